//! The platforms' knobs: what a test may set, and what stands when it does not.

use std::collections::HashMap;
use std::sync::PoisonError;
use std::sync::RwLock;

use serde_json::{Map, Value, json};

use crate::state::Platform;

/// The settings of one platform and their defaults.
fn defaults(platform: Platform) -> Map<String, Value> {
    let mut all = json!({"indexLagSeconds": 0, "processingSeconds": 0, "processingLooks": null, "rates": false});
    let own = match platform {
        Platform::Instagram => {
            json!({"foreignMedia": "accept", "quotaTotal": 100, "callsPerHour": null, "figuresLagSeconds": 0})
        }
        Platform::TikTok => {
            json!({"foreignMedia": "accept", "dailyPosts": null, "verifiedDomains": null, "audited": true, "moderationSeconds": 0})
        }
        Platform::YouTube => json!({"dailyUploads": null, "dailyUnits": null, "rejectsDuplicates": false}),
        Platform::Mastodon => json!({"maxCharacters": 500, "maxMediaAttachments": 4, "imageSizeLimit": 16_777_216,
            "videoSizeLimit": 103_809_024, "descriptionLimit": 1_500}),
        Platform::Bluesky => json!({}),
        Platform::Twitter => json!({"credits": "all", "duplicateSeconds": 86_400}),
        Platform::LinkedIn => json!({"duplicateSeconds": 172_800, "refreshTokens": true}),
        Platform::Telegram => json!({"foreignMedia": "accept"}),
    };
    if let (Some(all), Value::Object(own)) = (all.as_object_mut(), own) {
        all.extend(own);
    }
    match all {
        Value::Object(all) => all,
        _ => Map::new(),
    }
}

/// Whether a value may stand for a setting with this default.
fn fits(name: &str, value: &Value) -> bool {
    match name {
        "rates" | "rejectsDuplicates" | "audited" | "refreshTokens" => value.is_boolean(),
        "foreignMedia" => matches!(value.as_str(), Some("accept" | "refuse")),
        "credits" => matches!(value.as_str(), Some("all" | "write" | "none")),
        "verifiedDomains" => value.as_array().is_some_and(|list| list.iter().all(Value::is_string)),
        _ => value.is_u64(),
    }
}

/// What has been set, by platform and, on Mastodon, by host.
#[derive(Debug, Default)]
pub(crate) struct Settings(RwLock<HashMap<(Platform, String), Map<String, Value>>>);

impl Settings {
    pub(crate) fn reset(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Everything that stands for a platform, at a host.
    pub(crate) fn all(&self, platform: Platform, host: &str) -> Value {
        let mut all = defaults(platform);
        let set = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for place in ["", host] {
            all.extend(set.get(&(platform, place.to_owned())).cloned().unwrap_or_default());
        }
        Value::Object(all)
    }

    /// Sets what `wanted` names; `null` goes back to the default.
    ///
    /// # Errors
    /// A sentence about what does not fit.
    pub(crate) fn set(&self, platform: Platform, host: &str, wanted: &Map<String, Value>) -> Result<(), String> {
        let known = defaults(platform);
        for (name, value) in wanted {
            if !known.contains_key(name) {
                return Err(format!("unknown setting {name}"));
            }
            if !value.is_null() && !fits(name, value) {
                return Err(format!("{name} cannot be {value}"));
            }
        }
        let mut set = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let place = set.entry((platform, host.to_owned())).or_default();
        for (name, value) in wanted {
            if value.is_null() {
                place.remove(name);
            } else {
                place.insert(name.clone(), value.clone());
            }
        }
        Ok(())
    }

    fn get(&self, platform: Platform, host: &str, name: &str) -> Value {
        {
            let set = self.0.read().unwrap_or_else(PoisonError::into_inner);
            if !set.is_empty() {
                for place in [host, ""] {
                    if let Some(value) = set.get(&(platform, place.to_owned())).and_then(|m| m.get(name)) {
                        return value.clone();
                    }
                }
            }
        }
        defaults(platform).remove(name).unwrap_or(Value::Null)
    }

    pub(crate) fn number(&self, platform: Platform, name: &str) -> Option<u64> {
        self.get(platform, "", name).as_u64()
    }

    pub(crate) fn number_at(&self, platform: Platform, host: &str, name: &str) -> u64 {
        self.get(platform, host, name).as_u64().unwrap_or(0)
    }

    pub(crate) fn is(&self, platform: Platform, name: &str) -> bool {
        self.get(platform, "", name) == json!(true)
    }

    pub(crate) fn text(&self, platform: Platform, name: &str) -> String {
        self.get(platform, "", name).as_str().unwrap_or("").to_owned()
    }

    pub(crate) fn list(&self, platform: Platform, name: &str) -> Option<Vec<String>> {
        let value = self.get(platform, "", name);
        value.as_array().map(|l| l.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// Milliseconds of a setting in seconds.
    pub(crate) fn ms(&self, platform: Platform, name: &str) -> i64 {
        i64::try_from(self.number(platform, name).unwrap_or(0)).unwrap_or(0).saturating_mul(1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_known_fits_and_goes_back() {
        let s = Settings::default();
        assert_eq!(s.number(Platform::Instagram, "quotaTotal"), Some(100));
        let set = |v: Value| s.set(Platform::Instagram, "", v.as_object().unwrap());
        assert!(set(json!({"quota": 1})).is_err());
        assert!(set(json!({"quotaTotal": "7"})).is_err());
        set(json!({"quotaTotal": 7})).unwrap();
        assert_eq!(s.number(Platform::Instagram, "quotaTotal"), Some(7));
        set(json!({"quotaTotal": null})).unwrap();
        assert_eq!(s.number(Platform::Instagram, "quotaTotal"), Some(100));
    }

    #[test]
    fn an_instance_has_its_own_limits() {
        let s = Settings::default();
        s.set(Platform::Mastodon, "long.example", json!({"maxCharacters": 5000}).as_object().unwrap()).unwrap();
        assert_eq!(s.number_at(Platform::Mastodon, "long.example", "maxCharacters"), 5000);
        assert_eq!(s.number_at(Platform::Mastodon, "mastodon.example", "maxCharacters"), 500);
    }
}
