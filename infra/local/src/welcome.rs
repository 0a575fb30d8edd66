//! What the terminal says when the stack is up: an address, tokens, and a first thing to try.

/// The text; `admin` and `talent` are tokens.
#[must_use]
pub fn text(origin: &str, admin: &str, talent: &str, simulator: Option<&str>) -> String {
    let world = match simulator {
        Some(url) => format!("Platforms  simulated at {url}"),
        None => "Platforms  as the environment says".to_owned(),
    };
    let console = if functions::console::files::is_built() { "" } else { " (not in this build; `make run` builds it)" };
    let json = "-H 'Content-Type: application/json'";
    let auth = "-H \"Authorization: Bearer $ADMIN\"";
    format!(
        "Herald     {origin}
Console    {origin}/console{console}
{world}

Tokens of the workspace demo, for staff and for the talent talent_demo:

ADMIN='{admin}'
TALENT='{talent}'

Create the talent, connect an account, see it READY:

curl -s -X PUT {origin}/api/admin/talents/talent_demo {auth} {json} -d '{{\"name\":\"Demo Talent\"}}'
curl -s -X POST {origin}/api/admin/socials/connect-manual {auth} {json} -d '{{\"talentId\":\"talent_demo\",\"platform\":\"BLUESKY\",\"handle\":\"demo.bsky.social\"}}'
sleep 1; curl -s {origin}/api/admin/talent/talent_demo/social-connections {auth}

More tokens: curl '{origin}/local/token?workspace=demo&role=talent&talent=talent_demo&ttl=3600'
Herald is ready."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_can_be_pasted_as_they_are() {
        let text = text("http://127.0.0.1:4000", "a.b.c", "d.e.f", None);
        assert!(text.contains("\nADMIN='a.b.c'\n"));
        assert!(text.contains(r#" -d '{"name":"Demo Talent"}'"#));
        assert_eq!(text.lines().filter(|line| line.contains("curl -s ")).count(), 3);
        assert!(text.ends_with("\nHerald is ready."));
    }
}
