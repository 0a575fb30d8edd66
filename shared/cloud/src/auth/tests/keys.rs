//! Where the keys come from, and what happens when they do not.

use jiff::SignedDuration;
use serde_json::json;

use super::*;

#[tokio::test]
async fn an_unknown_key_is_fetched_at_most_once_a_minute_for_the_whole_stack() {
    let house = House::new().await;
    let (one, other) = (house.instance(), house.instance());
    let next = Pairs::new();
    let token = next.token(&json!({"alg": "ES256", "kid": "next"}), &house.admin());
    assert!(is_invalid(&ask(&one, &token).await));
    assert_eq!(house.fetches(), 1);
    // The issuer begins to use its new key just after that.
    house.issuer.lock().unwrap().jwks = json!({"keys": [next.ec_jwk("next")]}).to_string();
    for seconds in [0, 6, 30] {
        house.clock.advance(SignedDuration::from_secs(seconds));
        assert!(is_invalid(&ask(&one, &token).await));
        assert!(is_invalid(&ask(&other, &token).await));
        assert_eq!(house.fetches(), 1);
    }
    house.clock.advance(SignedDuration::from_secs(24));
    ask(&other, &token).await.unwrap();
    assert_eq!(house.fetches(), 2);
    // The first instance finds the new key in the table, and the withdrawn one is gone.
    ask(&one, &token).await.unwrap();
    assert!(is_invalid(&ask(&one, &house.pairs.es256(&house.admin())).await));
    assert_eq!(house.fetches(), 2);
}

#[tokio::test]
async fn invented_key_ids_find_nothing_and_cost_next_to_nothing() {
    let house = House::new().await;
    let instance = house.instance();
    ask(&instance, &house.pairs.es256(&house.admin())).await.unwrap();
    let mut after_the_first = None;
    for kid in [
        "../../dev/null",
        "ec' OR '1'='1",
        "ec\0",
        "EC",
        "ec ",
        " ec",
        "",
        "#",
        "global#jwks#x",
        "https://evil.example/k",
        "${jndi:x}",
    ] {
        let token = house.pairs.token(&json!({"alg": "ES256", "kid": kid}), &house.admin());
        assert!(is_invalid(&ask(&instance, &token).await), "{kid}");
        assert_eq!(house.table_calls(), *after_the_first.get_or_insert(house.table_calls()), "{kid}");
    }
    assert_eq!(house.fetches(), 1);
}

#[tokio::test]
async fn with_no_keys_yet_the_first_request_fetches_them_and_the_others_wait_for_it() {
    let house = House::empty().await;
    let instance = house.instance();
    let token = house.pairs.es256(&house.admin());
    let (a, b, c) = tokio::join!(ask(&instance, &token), ask(&instance, &token), ask(&instance, &token));
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(house.fetches(), 1);
    ask(&house.instance(), &token).await.unwrap();
    assert_eq!(house.fetches(), 1);
}

#[tokio::test]
async fn while_no_keys_can_be_had_nobody_is_told_that_the_token_is_bad() {
    let house = House::empty().await;
    let instance = house.instance();
    let token = house.pairs.es256(&house.admin());
    house.issuer.lock().unwrap().status = 500;
    assert!(matches!(ask(&instance, &token).await, Err(AuthError::Unavailable(_))));
    house.issuer.lock().unwrap().status = 200;
    assert!(matches!(ask(&instance, &token).await, Err(AuthError::Unavailable(_))));
    house.clock.advance(SignedDuration::from_mins(1));
    ask(&instance, &token).await.unwrap();
}

#[tokio::test]
async fn a_failed_fetch_leaves_good_keys_as_they_are() {
    let house = House::new().await;
    let instance = house.instance();
    let token = house.pairs.es256(&house.admin());
    let weak = json!({"keys": [{"kty": "RSA", "kid": "w", "n": b64([0xff; 128]), "e": "AQAB"}]}).to_string();
    let secret = json!({"keys": [{"kty": "oct", "kid": "ec", "k": b64("secret")}]}).to_string();
    let other_use = {
        let mut jwk = house.pairs.ec_jwk("ec");
        jwk["use"] = json!("enc");
        json!({"keys": [jwk]}).to_string()
    };
    let large = json!({"keys": [house.pairs.ec_jwk("ec")], "x": "x".repeat(150_000)}).to_string();
    for jwks in ["", "{}", "[]", r#"{"keys":[]}"#, r#"{"keys":[{}]}"#, "<html>", &weak, &secret, &other_use, &large] {
        house.issuer.lock().unwrap().jwks = jwks.to_owned();
        assert!(instance.keys().refresh().await.is_err(), "{jwks:.60}");
        ask(&instance, &token).await.unwrap();
        ask(&house.instance(), &token).await.unwrap();
    }
    house.issuer.lock().unwrap().jwks = house.pairs.jwks();
    instance.keys().refresh().await.unwrap();
    house.issuer.lock().unwrap().status = 503;
    assert!(instance.keys().refresh().await.is_err());
    ask(&house.instance(), &token).await.unwrap();
}

#[tokio::test]
async fn a_discovery_document_of_another_issuer_is_not_believed() {
    let house = House::empty().await;
    for discovery in [
        json!({"issuer": "https://evil.example", "jwks_uri": format!("{}/keys", house.stage.origin)}),
        json!({"issuer": house.stage.origin}),
        json!({"issuer": house.stage.origin, "jwks_uri": "file:///etc/passwd"}),
        json!({"issuer": house.stage.origin, "jwks_uri": "http://127.0.0.1:1/keys"}),
        json!({"issuer": house.stage.origin, "jwks_uri": "https://169.254.169.254/keys"}),
    ] {
        house.issuer.lock().unwrap().discovery = discovery.clone();
        assert!(house.instance().keys().refresh().await.is_err(), "{discovery}");
    }
    assert_eq!(house.fetches(), 0);
}

#[tokio::test]
async fn a_withdrawn_key_is_dead_everywhere_within_five_minutes() {
    let house = House::new().await;
    let (one, other) = (house.instance(), house.instance());
    let token = house.pairs.es256(&house.admin());
    ask(&one, &token).await.unwrap();
    house.issuer.lock().unwrap().jwks = json!({"keys": [house.pairs.ed_jwk("ed")]}).to_string();
    other.keys().refresh().await.unwrap();
    assert!(is_invalid(&ask(&other, &token).await));
    house.clock.advance(SignedDuration::from_secs(299));
    ask(&one, &token).await.unwrap();
    house.clock.advance(SignedDuration::from_secs(1));
    assert!(is_invalid(&ask(&one, &token).await));
}

#[tokio::test]
async fn a_token_that_names_no_key_is_accepted_only_when_one_fits() {
    let house = House::new().await;
    let token = house.pairs.token(&json!({"alg": "ES256"}), &house.admin());
    ask(&house.instance(), &token).await.unwrap();
    let two = json!({"keys": [house.pairs.ec_jwk("ec"), Pairs::new().ec_jwk("ec2"), house.pairs.ed_jwk("ed")]});
    house.issuer.lock().unwrap().jwks = two.to_string();
    let instance = house.instance();
    instance.keys().refresh().await.unwrap();
    assert!(is_invalid(&ask(&instance, &token).await));
    ask(&instance, &house.pairs.es256(&house.admin())).await.unwrap();
}

#[tokio::test]
async fn keys_that_nobody_understands_do_not_take_the_others_with_them() {
    let house = House::empty().await;
    let instance = house.instance();
    let mut rsa = house.pairs.rsa_jwk("rsa");
    // A sign byte before the modulus, as some issuers write it.
    let n = URL_SAFE_NO_PAD.decode(rsa["n"].as_str().unwrap()).unwrap();
    rsa["n"] = json!(b64([&[0], n.as_slice()].concat()));
    let set = json!({"keys": [
        {"kty": "OKP", "crv": "Ed448", "kid": "a", "x": "AA"},
        {"kty": "AKP", "alg": "ML-DSA-44", "kid": "b", "pub": "AA"},
        {"kty": "EC", "crv": "P-256", "kid": "c", "x": "AA", "y": "AA"},
        "nonsense",
        rsa,
    ]});
    instance.keys().store(&set.to_string()).await.unwrap();
    let token = house.pairs.token(&json!({"alg": "RS256", "kid": "rsa"}), &house.admin());
    ask(&instance, &token).await.unwrap();
}

#[tokio::test]
async fn a_stored_row_that_cannot_be_read_is_mended_by_a_fetch() {
    let house = House::new().await;
    let pk = crate::table::keys::jwks_pk(&house.stage.origin);
    let mut row = house.table.get(&pk, "-").await.unwrap().unwrap();
    assert_eq!(crate::table::field::<String>(&row, "workspace").unwrap(), "-");
    row.insert("keys".to_owned(), crate::table::s("damaged"));
    house.table.put(row).await.unwrap();
    ask(&house.instance(), &house.pairs.es256(&house.admin())).await.unwrap();
    assert_eq!(house.fetches(), 1);
}
