//! The posts of an account, computed when asked for.

use crate::accounts::Account;
use crate::law;
use crate::state::Platform;

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
}

/// Post `index` of an account; 0 is the newest.
pub(crate) fn post(account: &Account, index: u32) -> Post {
    let (p, seed) = (account.platform(), account.seed());
    let n = |salt: &str, modulus: u64| law::hash(p, seed, salt, u64::from(index)) % modulus;
    let views = 100 + n("views", 200_000);
    let likes = n("likes", views / 3 + 1);
    let comments = n("comments", likes / 4 + 2);
    let shares = n("shares", likes / 6 + 2);
    let mut post = Post {
        index,
        id: id(account, index),
        url: String::new(),
        text: law::text(p, seed, index),
        at_ms: law::published_ms(index),
        kind: kind(p, index),
        likes: Some(likes),
        comments: Some(comments),
        shares: Some(shares),
        views: Some(views),
        saves: None,
        reach: None,
        quotes: None,
    };
    post.url = url(account, &post);
    match p {
        Platform::Instagram => {
            post.saves = Some(n("saves", likes / 8 + 2));
            post.reach = Some(views - n("reach", views / 4));
            if index % 10 == 7 {
                post.likes = None;
            }
        }
        Platform::TikTok => {}
        Platform::YouTube => {
            post.shares = None;
            if index % 11 == 5 {
                post.likes = None;
            }
            if index % 13 == 6 {
                post.comments = None;
            }
        }
        Platform::Mastodon | Platform::Bluesky => {
            post.views = None;
            post.quotes = Some(n("quotes", shares / 5 + 2));
            if p == Platform::Bluesky {
                post.saves = Some(n("saves", likes / 8 + 2));
            }
        }
    }
    post
}

fn kind(platform: Platform, index: u32) -> Kind {
    match platform {
        Platform::TikTok | Platform::YouTube => Kind::Video,
        Platform::Instagram => [Kind::Image, Kind::Video, Kind::Carousel, Kind::Image][(index % 4) as usize],
        Platform::Mastodon | Platform::Bluesky => [Kind::Text, Kind::Image, Kind::Text][(index % 3) as usize],
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
    }
}
