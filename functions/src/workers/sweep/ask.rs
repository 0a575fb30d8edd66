//! Asks the platform: as many posts at a time as it answers, as long as the budget and the time last.

use std::collections::HashMap;
use std::time::Duration;

use cloud::table::budgets::Spender;
use cloud::table::looks::Looks;
use domain::connection::ConnectionType;
use domain::publication::Metrics;
use domain::{Failure, Kind, TokenSet};
use platforms::insights::Insights;
use platforms::{Access, Account, AppCredentials, Context};

use super::plan::Plan;
use super::{Ends, Run, record};
use crate::accounts::tokens::{self, NoTokens};
use crate::accounts::{credentials, quota};

/// How long the asking may take. The function has a minute, and what was seen is still to be written.
const ASKING: Duration = Duration::from_secs(40);

/// With whose rights the account is read.
pub(super) struct Rights {
    pub(super) credentials: AppCredentials,
    pub(super) tokens: Option<TokenSet>,
}

impl From<NoTokens> for Ends {
    fn from(error: NoTokens) -> Self {
        match error {
            NoTokens::Busy => Self::Soon,
            NoTokens::Platform(failure) => Self::Failed(failure),
            NoTokens::Store(error) => Self::Store(error),
        }
    }
}

impl Run<'_> {
    /// Looks at everything that is due.
    pub(super) async fn look(&self, plan: &mut Plan) -> Result<(), Ends> {
        let insights = self.app.platforms.get(self.connection.platform).and_then(|adapter| adapter.insights.as_deref());
        let Some(insights) = insights else {
            plan.due.clear();
            return Ok(());
        };
        if plan.due.is_empty() {
            return Ok(());
        }
        let rights = self.rights().await?;
        let facts = insights.facts();
        while !plan.due.is_empty() {
            if self.started.elapsed() > ASKING {
                return Err(Ends::Soon);
            }
            // A platform that answers for one post at a time is asked several times before anything is written.
            let (mut seen, mut asked) = (HashMap::new(), Vec::new());
            let mut ended = Ok(());
            while asked.len() < record::MOST && !plan.due.is_empty() && self.started.elapsed() < ASKING {
                let some = facts.batch.min(record::MOST - asked.len()).min(plan.due.len());
                let posts: Vec<Looks> = plan.due[..some].to_vec();
                if let Some(until) =
                    quota::take(self.app, self.connection, Spender::Sweep, facts.units(posts.len())).await?
                {
                    ended = Err(Ends::Spent(until));
                    break;
                }
                plan.calls += 1;
                match self.ask(insights, &rights, &posts).await {
                    Ok(found) => seen.extend(found),
                    Err(failure) => {
                        ended = Err(Ends::Failed(failure));
                        break;
                    }
                }
                asked.extend(posts);
                plan.due.drain(..some);
            }
            if !asked.is_empty() {
                record::looks(self, asked, &seen, plan).await?;
            }
            ended?;
        }
        Ok(())
    }

    async fn ask(
        &self,
        insights: &dyn Insights,
        rights: &Rights,
        posts: &[Looks],
    ) -> Result<HashMap<String, Metrics>, Failure> {
        let ids: Vec<&str> = posts.iter().map(|post| post.external_id.as_str()).collect();
        let left = (ASKING + Duration::from_secs(8)).saturating_sub(self.started.elapsed());
        let (context, account) = (self.context(rights), self.account());
        let call = insights.posts(&context, &account, rights.access(), &ids);
        tokio::time::timeout(left, call).await.unwrap_or_else(|_| Err(Failure::new(Kind::ProviderDown, "no time left")))
    }

    pub(super) async fn rights(&self) -> Result<Rights, Ends> {
        let (app, connection) = (self.app, self.connection);
        if connection.connection_type == ConnectionType::Manual {
            return Ok(Rights { credentials: credentials::for_public(app, connection.platform), tokens: None });
        }
        let adapter = app.platforms.get(connection.platform);
        let adapter =
            adapter.ok_or_else(|| Ends::Failed(Failure::new(Kind::AppRejected, "platform without an adapter")))?;
        let credentials = credentials::for_oauth(app, adapter, &connection.handle).await.map_err(NoTokens::from)?;
        let (_, set) = tokens::live(app, &connection.workspace, &connection.id).await?;
        Ok(Rights { credentials, tokens: Some(set) })
    }

    pub(super) fn context<'a>(&'a self, rights: &'a Rights) -> Context<'a> {
        Context { out: &self.app.outbound, clock: self.app.clock.as_ref(), app: &rights.credentials }
    }

    pub(super) fn account(&self) -> Account<'_> {
        let id = self.connection.platform_account_id.as_deref();
        Account { handle: &self.connection.handle, platform_account_id: id }
    }
}

impl Rights {
    pub(super) fn access(&self) -> Access<'_> {
        self.tokens.as_ref().map_or(Access::Public, Access::Token)
    }
}
