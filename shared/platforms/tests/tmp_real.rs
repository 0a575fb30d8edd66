use domain::{clock::ManualClock, Platform, Secret, Kind};
use outbound::{Outbound, UpstreamConfig};
use platforms::*;
use serde_json::{Value, json};
use std::process::Command;
use url::Url;
fn read(f: &str) -> Value { serde_json::from_str(std::fs::read_to_string(f).unwrap().lines().last().unwrap()).unwrap() }
fn node(args: &[&str]) -> Url { let o = Command::new("node").args(args).output().unwrap(); let t = String::from_utf8(o.stdout).unwrap(); Url::parse(t.trim()).unwrap_or_else(|_| panic!("{t} {}", String::from_utf8_lossy(&o.stderr))) }
#[tokio::test]
async fn real() {
    let p = read("/tmp/realrun/pds.json"); let s = read("/tmp/realrun/snac.json");
    let pds = p["pds"].as_str().unwrap(); let a = &p["accounts"][0]; let did = a["did"].as_str().unwrap();
    let host = s["host"].as_str().unwrap();
    let allow = format!("{},{},{host}", &pds[7..], &p["plc"].as_str().unwrap()[7..]);
    let cfg = UpstreamConfig::from_env(|n| match n { "HERALD_UPSTREAM" => Some("http://127.0.0.1:42999".into()), "HERALD_LOOPBACK_ALLOW" => Some(allow.clone()), _ => None }).unwrap();
    let out = Outbound::new(cfg);
    #[allow(clippy::disallowed_methods)]
    let clock = ManualClock::at(jiff::Timestamp::now());
    let redirect = Url::parse("http://127.0.0.1:9999/cb").unwrap();
    let app = AppCredentials { client_id: bluesky::loopback_client_id(&redirect), ..Default::default() };
    let cx = Context { out: &out, clock: &clock, app: &app };
    let ps = Platforms::default(); let b = ps.get(Platform::Bluesky).unwrap();
    // app password
    let pw = Secret::new(a["appPassword"].as_str().unwrap());
    let g = b.app_password.as_ref().unwrap().log_in(&cx, did, &pw).await.unwrap();
    for i in 0..3 {
        let u = Url::parse(&format!("{pds}/xrpc/com.atproto.repo.createRecord")).unwrap();
        let r = out.send(outbound::Call::post_json(None, u, &json!({"repo": did, "collection": "app.bsky.feed.post", "record": {"$type":"app.bsky.feed.post","text":format!("post {i}"),"createdAt":format!("2026-11-20T10:00:0{i}Z")}})).bearer(&g.tokens.access)).await.unwrap();
        assert_eq!(r.status, 200);
    }
    let acc = Account { handle: did, platform_account_id: None };
    let state = Secret::new("st");
    let st = b.oauth.start(&cx, &Start { redirect_uri: &redirect, state: &state, handle: Some(did) }).await.unwrap();
    let back = node(&["/tmp/realrun/signin.mjs", pds, st.url.as_str(), "alice.test", "hunter22x", did]);
    let q: std::collections::HashMap<String,String> = back.query_pairs().into_owned().collect();
    let code = Secret::new(q["code"].clone());
    let o = b.oauth.finish(&cx, &Finish { redirect_uri: &redirect, code: &code, issuer: q.get("iss").map(String::as_str), keep: &st.keep }).await.unwrap();
    println!("{:?}", o.tokens.scopes);
    let refreshed = o.tokens.clone().renewed_by(b.oauth.refresh(&cx, &o.tokens).await.unwrap());
    println!("old {:?}", b.ingest.profile(&cx, &acc, Access::Token(&o.tokens)).await.map_err(|f| f.kind));
    for t in [&g.tokens, &refreshed] {
        let prof = b.ingest.profile(&cx, &acc, Access::Token(t)).await.unwrap();
        println!("{prof:?}");
        let pg = b.ingest.publications(&cx, &prof, Access::Token(t), None).await.unwrap();
        println!("{:?} {:?}", pg.next, pg.publications.iter().map(|p| (&p.caption, &p.url)).collect::<Vec<_>>());
        assert!(pg.publications.len() >= 3);
        if let Some(n) = pg.next { let pg = b.ingest.publications(&cx, &prof, Access::Token(t), Some(&n)).await.unwrap(); assert!(pg.publications.is_empty() && pg.next.is_none()); }
    }
    let r2 = b.oauth.refresh(&cx, &g.tokens).await.unwrap();
    b.oauth.revoke(&cx, &r2).await.unwrap(); b.oauth.revoke(&cx, &r2).await.unwrap();
    assert_eq!(b.oauth.refresh(&cx, &r2).await.unwrap_err().kind, Kind::ReconnectNeeded);
    println!("replay {:?}", b.oauth.refresh(&cx, &o.tokens).await.unwrap_err());
    println!("dead {:?}", b.ingest.profile(&cx, &acc, Access::Token(&refreshed)).await.unwrap_err());
    b.oauth.revoke(&cx, &refreshed).await.unwrap();
    // a bad password
    println!("{:?}", b.app_password.as_ref().unwrap().log_in(&cx, did, &Secret::new("aaaa-bbbb-cccc-dddd")).await.unwrap_err());

    // snac
    let m = ps.get(Platform::Mastodon).unwrap();
    let handle = format!("alice@{host}");
    assert_eq!(m.register.as_ref().unwrap().server(&handle).as_deref(), Some(host));
    let app = m.register.as_ref().unwrap().register(&cx, host, &redirect).await.unwrap();
    let cx = Context { out: &out, clock: &clock, app: &app };
    let st = m.oauth.start(&cx, &Start { redirect_uri: &redirect, state: &state, handle: Some(&handle) }).await.unwrap();
    println!("{}", st.url);
    let back = node(&["/tmp/realrun/snaclogin.mjs", s["url"].as_str().unwrap(), st.url.as_str(), "alice", s["accounts"][0]["password"].as_str().unwrap()]);
    let q: std::collections::HashMap<String,String> = back.query_pairs().into_owned().collect();
    let code = Secret::new(q["code"].clone());
    let o = m.oauth.finish(&cx, &Finish { redirect_uri: &redirect, code: &code, issuer: None, keep: &st.keep }).await.unwrap();
    println!("{:?}", o.tokens.scopes);
    let u = Url::parse(&format!("http://{host}/api/v1/statuses")).unwrap();
    for i in 0..42 { let u = u.clone(); 
        let t = format!("post {i} & <more>\nline");
        loop { if let Ok(r) = out.send(outbound::Call::post_form(None, u.clone(), &[("status", &t), ("visibility", "public")]).bearer(&o.tokens.access)).await { assert_eq!(r.status, 200); break } } }
    let acc = Account { handle: &handle, platform_account_id: None };
    let t0 = std::time::Instant::now(); println!("start");
    for _ in 0..5 { for access in [Access::Token(&o.tokens), Access::Public] {
        let t = std::time::Instant::now(); let prof = m.ingest.profile(&cx, &acc, access).await.unwrap(); println!("P {:?}", t.elapsed()); let t = std::time::Instant::now();
        let pg = m.ingest.publications(&cx, &prof, access, None).await.unwrap();
        println!("S {:?}", t.elapsed()); println!("{prof:?} {} {:?} {:?}", pg.publications.len(), pg.next, pg.publications.first());
    } }
    println!("reads {:?}", t0.elapsed());
    m.oauth.revoke(&cx, &o.tokens).await.unwrap();
    println!("{:?}", m.ingest.profile(&cx, &acc, Access::Token(&o.tokens)).await.unwrap_err());
    println!("again {:?}", m.oauth.revoke(&cx, &o.tokens).await);
    let missing = format!("nobody@{host}");
    println!("{:?}", m.ingest.profile(&cx, &Account { handle: &missing, platform_account_id: None }, Access::Public).await.unwrap_err());
}
