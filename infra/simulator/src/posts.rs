//! The posts of an account: those that were published here, then those of the law, computed when asked for.

use crate::accounts::Account;
use crate::judge::{Publication, What};
use crate::law;
use crate::state::{Platform, World};

/// What a post is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Image,
    Video,
    Carousel,
    Text,
}

/// A post and its figures; `None` where the platform does not report the figure.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    pub(crate) index: u32,
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) text: String,
    pub(crate) at_ms: i64,
    pub(crate) kind: Kind,
    pub(crate) likes: Option<u64>,
    pub(crate) comments: Option<u64>,
    pub(crate) shares: Option<u64>,
    pub(crate) views: Option<u64>,
    pub(crate) saves: Option<u64>,
    pub(crate) reach: Option<u64>,
    pub(crate) quotes: Option<u64>,
    /// What it was published as, when it was published here.
    pub(crate) made: Option<Box<Publication>>,
}

/// What a list of an account shows, newest first.
#[derive(Debug)]
pub(crate) struct Shelf<'a> {
    account: &'a Account,
    made: Vec<Publication>,
    law: u32,
}

impl<'a> Shelf<'a> {
    /// The posts that `wanted` accepts of those published here, then the law's.
    pub(crate) fn of(world: &World, account: &'a Account, wanted: impl Fn(&Publication) -> bool) -> Self {
        let made = world.judge.shown(&account.who, world.now(), |p| p.what == What::Post && wanted(p));
        Self { account, made, law: account.posts }
    }

    pub(crate) fn len(&self) -> u32 {
        self.law.saturating_add(u32::try_from(self.made.len()).unwrap_or(u32::MAX))
    }

    /// Only the law's posts that come after this many.
    pub(crate) fn without_law(mut self) -> Self {
        self.law = 0;
        self
    }

    fn published_here(&self) -> u32 {
        u32::try_from(self.made.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn at_ms(&self, position: u32) -> i64 {
        match self.made.get(position as usize) {
            Some(made) => made.created_ms,
            None => law::published_ms(position - self.published_here()),
        }
    }

    pub(crate) fn post(&self, position: u32) -> Post {
        match self.made.get(position as usize) {
            Some(made) => published(self.account, made),
            None => post(self.account, position - self.published_here()),
        }
    }

    /// What names a position although new posts come in front of it.
    pub(crate) fn mark(&self, position: u32) -> String {
        match self.made.get(position as usize) {
            Some(made) => format!("m{}", made.n),
            None => (position - self.published_here()).to_string(),
        }
    }

    /// Where a mark stands now; a post that has gone leaves its place to the one before it.
    pub(crate) fn position(&self, mark: &str) -> Option<u32> {
        match mark.strip_prefix('m') {
            Some(n) => {
                let n: u64 = n.parse().ok()?;
                let newer = self.made.iter().take_while(|p| p.n > n).count();
                let there = self.made.get(newer).is_some_and(|p| p.n == n);
                u32::try_from(if there { newer } else { newer.checked_sub(1)? }).ok()
            }
            None => mark.parse::<u32>().ok()?.checked_add(self.published_here()),
        }
    }
}

/// How many posts of the account were published here and stand.
pub(crate) fn made_count(world: &World, account: &Account) -> u64 {
    let now = world.now();
    world.judge.count(&account.who, |_| true, |p| p.what == What::Post && p.shown(now))
}

/// What stands before the number of a post that was published here, where its figures follow the law.
const MADE: u64 = 1_000_000;

/// A post that was published here; nobody has reacted to it yet, unless the account's figures grow.
pub(crate) fn published(account: &Account, made: &Publication) -> Post {
    let p = account.platform();
    let counts = !matches!(p, Platform::Mastodon | Platform::Bluesky);
    let kind = match made.media.as_slice() {
        [] => Kind::Text,
        [one] if one.content_type.starts_with("video/") => Kind::Video,
        [_] => Kind::Image,
        _ => Kind::Carousel,
    };
    let mut post = Post {
        index: 0,
        // Bluesky names a post by the last piece of its address.
        id: if p == Platform::Bluesky {
            made.id.rsplit('/').next().unwrap_or_default().to_owned()
        } else {
            made.id.clone()
        },
        url: made.url.clone(),
        text: made.text.clone(),
        at_ms: made.created_ms,
        kind,
        likes: Some(0),
        comments: Some(0),
        shares: (p != Platform::YouTube).then_some(0),
        views: counts.then_some(0),
        saves: matches!(p, Platform::Instagram | Platform::Bluesky | Platform::Twitter).then_some(0),
        reach: (p == Platform::Instagram).then_some(0),
        quotes: matches!(p, Platform::Mastodon | Platform::Bluesky | Platform::Twitter).then_some(0),
        made: Some(Box::new(made.clone())),
    };
    if account.grows() {
        totals(account, MADE + made.n, &mut post);
        grow(account, &mut post);
    }
    post
}

/// Post `index` of an account as of now; 0 is the newest.
pub(crate) fn post(account: &Account, index: u32) -> Post {
    let mut post = totals_of(account, index);
    if account.grows() {
        grow(account, &mut post);
    }
    post
}

/// The same with what its figures come to in the end.
pub(crate) fn totals_of(account: &Account, index: u32) -> Post {
    let p = account.platform();
    let mut post = Post {
        index,
        id: id(account, index),
        url: String::new(),
        text: law::text(p, account.seed(), index),
        at_ms: law::published_ms(index),
        kind: kind(p, index),
        likes: None,
        comments: None,
        shares: None,
        views: None,
        saves: None,
        reach: None,
        quotes: None,
        made: None,
    };
    post.url = url(account, &post);
    totals(account, u64::from(index), &mut post);
    if p == Platform::Instagram && index % 10 == 7 {
        post.likes = None;
    }
    if p == Platform::YouTube {
        if index % 11 == 5 {
            post.likes = None;
        }
        if index % 13 == 6 {
            post.comments = None;
        }
    }
    post
}

/// What the figures of a post come to: `None` where the platform does not report one.
fn totals(account: &Account, index: u64, post: &mut Post) {
    let (p, seed) = (account.platform(), account.seed());
    let n = |salt: &str, modulus: u64| law::hash(p, seed, salt, index) % modulus;
    let views = 100 + n("views", 200_000);
    let likes = n("likes", views / 3 + 1);
    let comments = n("comments", likes / 4 + 2);
    let shares = n("shares", likes / 6 + 2);
    (post.likes, post.comments, post.shares, post.views) = (Some(likes), Some(comments), Some(shares), Some(views));
    match p {
        Platform::Instagram => {
            post.saves = Some(n("saves", likes / 8 + 2));
            post.reach = Some(views - n("reach", views / 4));
        }
        Platform::TikTok | Platform::LinkedIn | Platform::Telegram => {}
        Platform::Twitter => {
            post.quotes = Some(n("quotes", shares / 5 + 2));
            post.saves = Some(n("saves", likes / 8 + 2));
        }
        Platform::YouTube => post.shares = None,
        Platform::Mastodon | Platform::Bluesky => {
            post.views = None;
            post.quotes = Some(n("quotes", shares / 5 + 2));
            if p == Platform::Bluesky {
                post.saves = Some(n("saves", likes / 8 + 2));
            }
        }
    }
}

/// The figures of a post of a growing account as of now.
fn grow(account: &Account, post: &mut Post) {
    let age_ms = account.now_ms - post.at_ms;
    let figures = [
        &mut post.likes,
        &mut post.comments,
        &mut post.shares,
        &mut post.views,
        &mut post.saves,
        &mut post.reach,
        &mut post.quotes,
    ];
    for figure in figures.into_iter().flatten() {
        *figure = law::grown(*figure, age_ms);
    }
}

fn kind(platform: Platform, index: u32) -> Kind {
    match platform {
        Platform::TikTok | Platform::YouTube => Kind::Video,
        Platform::Instagram => [Kind::Image, Kind::Video, Kind::Carousel, Kind::Image][(index % 4) as usize],
        Platform::Mastodon | Platform::Bluesky | Platform::Twitter | Platform::LinkedIn | Platform::Telegram => {
            [Kind::Text, Kind::Image, Kind::Text][(index % 3) as usize]
        }
    }
}

fn id(account: &Account, index: u32) -> String {
    let (p, seed) = (account.platform(), account.seed());
    match p {
        Platform::Instagram => format!("{}{index:05}", crate::instagram::media_prefix(account)),
        Platform::TikTok => format!("{}{:06}", crate::tiktok::video_prefix(account), 999_999 - index.min(999_999)),
        Platform::YouTube => crate::youtube::video_id(account, index),
        Platform::Mastodon => crate::mastodon::status_id(account, law::published_ms(index)),
        Platform::Bluesky => law::tid(law::published_ms(index), law::hash(p, seed, "clock", 0)),
        Platform::Twitter => law::snowflake(law::published_ms(index), law::hash(p, seed, "status", 0)).to_string(),
        Platform::LinkedIn => {
            format!("urn:li:share:{}", law::snowflake_unix(law::published_ms(index), law::hash(p, seed, "status", 0)))
        }
        Platform::Telegram => (index + 1).to_string(),
    }
}

fn url(account: &Account, post: &Post) -> String {
    let (h, id) = (&account.handle, &post.id);
    match account.platform() {
        Platform::Instagram => {
            let code = law::base32(account.who.platform, account.seed(), &format!("code{}", post.index), 11);
            let path = if post.kind == Kind::Video { "reel" } else { "p" };
            format!("https://www.instagram.com/{path}/{code}/")
        }
        Platform::TikTok => format!("https://www.tiktok.com/@{h}/video/{id}"),
        Platform::YouTube => format!("https://www.youtube.com/watch?v={id}"),
        Platform::Mastodon => format!("https://{}/@{}/{id}", account.instance(), account.local()),
        Platform::Bluesky => format!("https://bsky.app/profile/{h}/post/{id}"),
        Platform::Twitter => format!("https://x.com/{h}/status/{id}"),
        Platform::LinkedIn => format!("https://www.linkedin.com/feed/update/{id}"),
        Platform::Telegram => format!("https://t.me/{h}/{id}"),
    }
}
