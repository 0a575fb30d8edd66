//! The page on which a person allows or denies an app.

use crate::accounts::Account;
use crate::call::{Call, Pairs, Reply, error_page, escape};
use crate::state::{Platform, World};
use crate::strict::{check_filled, check_names};

/// What the page asks for.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) platform: Platform,
    pub(crate) client: &'a str,
    pub(crate) scopes: &'a [String],
    pub(crate) hint: &'a str,
    /// A scope that cannot be unticked.
    pub(crate) fixed: &'a str,
}

/// What the person did.
#[derive(Debug)]
pub(crate) enum Decision {
    Denied,
    Approved { account: Account, scopes: Vec<String> },
}

impl Ask<'_> {
    /// Shows the page to a GET; reads the decision of a POST. The error side is a page for the person.
    pub(crate) fn decide(&self, world: &World, call: &Call) -> Result<Decision, Reply> {
        match call.method.as_str() {
            "GET" => Err(self.page()),
            "POST" => self.read(world, call),
            _ => Err(world.unexpected(
                call,
                "method not allowed here",
                error_page(405, "Not allowed", "Use GET or POST."),
            )),
        }
    }

    fn read(&self, world: &World, call: &Call) -> Result<Decision, Reply> {
        const FIELDS: [&str; 3] = ["account", "decision!", "scope*"];
        let form = Pairs::parse(&call.body);
        if let Err(breach) = check_names(&FIELDS, form.keys()).and_then(|()| check_filled(&FIELDS, &form)) {
            return Err(world.unexpected(call, &breach.text(), error_page(400, "Bad request", &breach.text())));
        }
        match form.text("decision") {
            "deny" => return Ok(Decision::Denied),
            "approve" => {}
            _ => return Err(error_page(400, "Bad request", "decision is approve or deny.")),
        }
        let account = self.account(world, form.text("account"))?;
        call.about(&account.handle);
        let ticked: Vec<&str> = form.all("scope").collect();
        let keep = |s: &&String| ticked.is_empty() || *s == self.fixed || ticked.contains(&s.as_str());
        let scopes: Vec<String> = self.scopes.iter().filter(keep).cloned().collect();
        Ok(Decision::Approved { scopes, account })
    }

    fn account(&self, world: &World, typed: &str) -> Result<Account, Reply> {
        let handle = match self.platform {
            Platform::Mastodon if !typed.trim_start_matches('@').contains('@') => format!("{typed}@{}", self.hint),
            _ => typed.to_owned(),
        };
        let found = world.accounts.find(self.platform, &handle);
        let account = found.ok_or_else(|| error_page(404, "No such account", "Nobody here has that name."))?;
        if self.platform == Platform::Mastodon && account.instance() != self.hint {
            return Err(error_page(404, "No such account", "That account lives on another server."));
        }
        if account.suspended {
            return Err(error_page(403, "Account suspended", "This account has been suspended."));
        }
        if self.platform == Platform::Instagram && account.seed().starts_with("personal") {
            return Err(error_page(
                403,
                "Professional account needed",
                "Switch to a Business or Creator account first.",
            ));
        }
        Ok(account)
    }

    /// The form posts to its own address, so it works under any prefix.
    fn page(&self) -> Reply {
        let name = self.platform.name();
        let hint = if self.platform == Platform::Mastodon { "" } else { self.hint };
        let boxes: String = self
            .scopes
            .iter()
            .map(|s| {
                let s = escape(s);
                format!("<p><label><input type=checkbox name=scope value=\"{s}\" checked> {s}</label></p>")
            })
            .collect();
        Reply::html(
            200,
            format!(
                "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
                 <title>{name} (simulated)</title><style>body{{font:16px system-ui;max-width:26em;margin:3em auto;padding:0 1em}}</style>\
                 <h1>{name} (simulated)</h1><p><b>{}</b> asks for access to your account.</p>\
                 <form method=post action=\"\"><p><label>Account <input name=account value=\"{}\" autofocus></label></p>{boxes}\
                 <p><button name=decision value=approve>Allow</button> <button name=decision value=deny>Deny</button></p></form></html>",
                escape(self.client),
                escape(hint),
            ),
        )
    }
}
