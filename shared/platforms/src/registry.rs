//! Which platform can do what.

use domain::Platform;

use crate::facts::Facts;
use crate::insights::Insights;
use crate::kit::{AppPassword, Ingest, OAuth, RegisterApp};
use crate::publish::Publish;
use crate::{bluesky, instagram, linkedin, mastodon, telegram, tiktok, twitter, youtube};

/// A platform with the capabilities it has.
pub struct Adapter {
    /// What is known about it.
    pub facts: &'static Facts,
    /// Reads accounts.
    pub ingest: Box<dyn Ingest>,
    /// Obtains consent.
    pub oauth: Box<dyn OAuth>,
    /// Registers Herald at each server, where every server wants that.
    pub register: Option<Box<dyn RegisterApp>>,
    /// Publishes, where Herald can here.
    pub publish: Option<Box<dyn Publish>>,
    /// Reads figures of posts and audiences, where the platform shows any.
    pub insights: Option<Box<dyn Insights>>,
    /// Takes a password made for apps, where there are such.
    pub app_password: Option<Box<dyn AppPassword>>,
}

/// Every platform that stands. Adapters are made on first use: a function seldom needs more than one.
#[derive(Default)]
pub struct Platforms {
    made: [std::sync::OnceLock<Option<Adapter>>; Platform::ALL.len()],
}

impl Platforms {
    /// The adapter of a platform; `None` where Herald does not have it yet.
    #[must_use]
    pub fn get(&self, platform: Platform) -> Option<&Adapter> {
        let index = Platform::ALL.iter().position(|p| *p == platform)?;
        self.made.get(index)?.get_or_init(|| Self::make(platform)).as_ref()
    }

    /// The facts of every platform that stands, in the contract's order.
    pub fn facts() -> impl Iterator<Item = &'static Facts> {
        [
            &instagram::FACTS,
            &tiktok::FACTS,
            &youtube::FACTS,
            &twitter::FACTS,
            &linkedin::FACTS,
            &telegram::FACTS,
            &bluesky::FACTS,
            &mastodon::FACTS,
        ]
        .into_iter()
    }

    fn make(platform: Platform) -> Option<Adapter> {
        match platform {
            Platform::Instagram => Some(instagram::adapter()),
            Platform::Tiktok => Some(tiktok::adapter()),
            Platform::Youtube => Some(youtube::adapter()),
            Platform::Twitter => Some(twitter::adapter()),
            Platform::Linkedin => Some(linkedin::adapter()),
            Platform::Telegram => Some(telegram::adapter()),
            Platform::Bluesky => Some(bluesky::adapter()),
            Platform::Mastodon => Some(mastodon::adapter()),
            _ => None,
        }
    }
}
