//! Which world the stack sees: the simulator's, or for a platform with real credentials the real one.

use std::collections::BTreeMap;

use domain::Platform;

/// Variables by name.
pub type Variables = BTreeMap<String, String>;

/// What only the stack decides, since it makes the things that are named.
const OURS: [&str; 4] = ["HERALD_TABLE", "HERALD_KMS_KEY", "HERALD_QUEUE_", "HERALD_LOOPBACK_ALLOW"];

/// What the operator gave, for answering the questions below.
fn given<'a>(env: &'a Variables, name: &str) -> Option<&'a str> {
    env.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

/// Whether the simulator is needed in this process.
#[must_use]
pub fn wants_simulator(env: &Variables) -> bool {
    given(env, "HERALD_UPSTREAM").is_none() && given(env, "HERALD_SIMULATOR") != Some("off")
}

/// The parameters of the template on this machine; `origin` is the gateway's.
#[must_use]
pub fn parameters(env: &Variables, origin: &str) -> Variables {
    let or = |name: &str, default: String| given(env, name).map_or(default, str::to_owned);
    let localhost = origin.replacen("127.0.0.1", "localhost", 1);
    [
        ("PublicUrl", or("HERALD_PUBLIC_URL", origin.to_owned())),
        ("Issuer", or("HERALD_ISSUER", format!("{origin}/local"))),
        ("Audience", or("HERALD_AUDIENCE", "herald".to_owned())),
        ("AllowedOrigins", or("HERALD_ALLOWED_ORIGINS", format!("{origin},{localhost}"))),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// The variables that handlers see: the template's, then what suits this machine, then what the operator set.
#[must_use]
pub fn variables(env: &Variables, template: Variables, origin: &str, simulator: Option<&str>) -> Variables {
    let mut variables = template;
    variables.insert("HERALD_RATE_LIMIT".to_owned(), "5000:10000".to_owned());
    variables
        .insert("HERALD_FONTS".to_owned(), concat!(env!("CARGO_MANIFEST_DIR"), "/../fonts/layer/fonts").to_owned());
    if let Some(simulator) = simulator {
        variables.extend(upstream(env, simulator));
    }
    if simulator.is_some() || given(env, "HERALD_UPSTREAM").is_some() {
        for (platform, pairs) in demo_credentials() {
            // Half a real app and half a simulated one is none.
            if !is_real(env, platform) {
                variables.extend(
                    pairs.iter().map(|(name, value)| (format!("HERALD_{platform}_{name}"), (*value).to_owned())),
                );
            }
        }
    }
    let own = origin.split_once("://").map_or(origin, |(_, authority)| authority);
    let allowed = [Some(own), given(env, "HERALD_LOOPBACK_ALLOW")].into_iter().flatten().collect::<Vec<_>>().join(",");
    variables.insert("HERALD_LOOPBACK_ALLOW".to_owned(), allowed);
    let theirs = env.iter().filter(|(name, value)| {
        let ours = OURS.iter().any(|ours| name.starts_with(ours));
        // A platform's own empty stand-in means the real platform; any other empty variable means nothing.
        name.starts_with("HERALD_") && !ours && (!value.is_empty() || name.starts_with("HERALD_UPSTREAM_"))
    });
    variables.extend(theirs.map(|(name, value)| (name.clone(), value.clone())));
    variables
}

/// Whether the operator wants the real platform: with an app of theirs there, or with an empty stand-in for it.
fn is_real(env: &Variables, platform: Platform) -> bool {
    let unreplaced = env.get(&format!("HERALD_UPSTREAM_{platform}")).is_some_and(String::is_empty);
    let has_app =
        ["CLIENT_ID", "API_KEY"].iter().any(|name| given(env, &format!("HERALD_{platform}_{name}")).is_some());
    unreplaced || has_app
}

/// The simulator for every platform, or for each that is not the real one.
fn upstream(env: &Variables, simulator: &str) -> Variables {
    let (real, simulated): (Vec<Platform>, Vec<Platform>) = Platform::ALL.into_iter().partition(|p| is_real(env, *p));
    let pair = |name: String| (name, simulator.to_owned());
    if real.is_empty() {
        return [pair("HERALD_UPSTREAM".to_owned())].into();
    }
    simulated.into_iter().map(|platform| pair(format!("HERALD_UPSTREAM_{platform}"))).collect()
}

fn demo_credentials() -> Vec<(Platform, Vec<(&'static str, &'static str)>)> {
    use simulator as sim;
    let app = |id, secret| vec![("CLIENT_ID", id), ("CLIENT_SECRET", secret)];
    let mut youtube = app(sim::YOUTUBE_CLIENT_ID, sim::YOUTUBE_CLIENT_SECRET);
    youtube.push(("API_KEY", sim::YOUTUBE_API_KEY));
    vec![
        (Platform::Instagram, app(sim::INSTAGRAM_CLIENT_ID, sim::INSTAGRAM_CLIENT_SECRET)),
        (Platform::Tiktok, app(sim::TIKTOK_CLIENT_KEY, sim::TIKTOK_CLIENT_SECRET)),
        (Platform::Youtube, youtube),
        (Platform::Twitter, app(sim::TWITTER_CLIENT_ID, sim::TWITTER_CLIENT_SECRET)),
        (Platform::Linkedin, app(sim::LINKEDIN_CLIENT_ID, sim::LINKEDIN_CLIENT_SECRET)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "http://127.0.0.1:4000";
    const SIM: &str = "http://127.0.0.1:4100";

    fn env(pairs: &[(&str, &str)]) -> Variables {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn seen(pairs: &[(&str, &str)], name: &str) -> Option<String> {
        let template = env(&[("HERALD_TABLE", "Table"), ("HERALD_UPSTREAM", "")]);
        variables(&env(pairs), template, ORIGIN, Some(SIM)).remove(name)
    }

    #[test]
    fn without_credentials_every_platform_is_the_simulators() {
        assert_eq!(seen(&[], "HERALD_UPSTREAM").as_deref(), Some(SIM));
        assert_eq!(seen(&[], "HERALD_TIKTOK_CLIENT_ID").as_deref(), Some("sim-tiktok-key"));
    }

    #[test]
    fn a_platform_with_real_credentials_is_the_real_one_and_the_others_are_not() {
        let real = [("HERALD_YOUTUBE_CLIENT_ID", "real")];
        assert_eq!(seen(&real, "HERALD_UPSTREAM").as_deref(), Some(""));
        assert_eq!(seen(&real, "HERALD_UPSTREAM_YOUTUBE"), None);
        assert_eq!(seen(&real, "HERALD_UPSTREAM_BLUESKY").as_deref(), Some(SIM));
        assert_eq!(seen(&real, "HERALD_YOUTUBE_CLIENT_ID").as_deref(), Some("real"));
        assert_eq!(seen(&real, "HERALD_YOUTUBE_CLIENT_SECRET"), None);
    }

    #[test]
    fn a_platform_with_an_empty_stand_in_is_the_real_one_also_without_credentials() {
        let real = [("HERALD_UPSTREAM_TIKTOK", "")];
        let template = env(&[("HERALD_TABLE", "Table"), ("HERALD_UPSTREAM", "")]);
        let variables = variables(&env(&real), template, ORIGIN, Some(SIM));
        let world = outbound::UpstreamConfig::from_env(|name| variables.get(name).cloned()).unwrap();
        let leads = |platform: Platform, address: &str| {
            let address = url::Url::parse(address).unwrap();
            world.rewrite(Some(platform), &address) == address
        };
        assert!(leads(Platform::Tiktok, "https://open.tiktokapis.com/v2/user/info/"));
        assert!(!leads(Platform::Mastodon, "https://mastodon.example/api/v1/apps"));
        assert_eq!(variables.get("HERALD_TIKTOK_CLIENT_ID"), None, "a simulated app is nobody at the real platform");
        assert_eq!(variables.get("HERALD_YOUTUBE_CLIENT_ID").map(String::as_str), Some("sim-youtube-id"));
    }

    #[test]
    fn what_the_operator_sets_wins_except_over_what_the_stack_makes() {
        assert_eq!(seen(&[("HERALD_RATE_LIMIT", "1:2")], "HERALD_RATE_LIMIT").as_deref(), Some("1:2"));
        assert_eq!(seen(&[("HERALD_TABLE", "other")], "HERALD_TABLE").as_deref(), Some("Table"));
        assert_eq!(seen(&[("HERALD_UPSTREAM_MASTODON", "")], "HERALD_UPSTREAM_MASTODON").as_deref(), Some(""));
        let allowed = seen(&[("HERALD_LOOPBACK_ALLOW", "localhost:2583")], "HERALD_LOOPBACK_ALLOW");
        assert_eq!(allowed.as_deref(), Some("127.0.0.1:4000,localhost:2583"));
    }

    #[test]
    fn another_stand_in_or_a_word_turns_the_simulator_off() {
        assert!(wants_simulator(&env(&[("HERALD_UPSTREAM", "")])));
        assert!(!wants_simulator(&env(&[("HERALD_UPSTREAM", SIM)])));
        assert!(!wants_simulator(&env(&[("HERALD_SIMULATOR", "off")])));
    }
}
