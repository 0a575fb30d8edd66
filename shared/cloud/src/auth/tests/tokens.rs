//! Tokens, good and forged.

use domain::{Role, TalentId};
use http::StatusCode;
use ring::hmac;
use serde_json::{Value, json};

use super::*;
use crate::http::ApiError;

#[tokio::test]
async fn a_token_of_each_accepted_algorithm_proves_its_bearer() {
    let house = House::new().await;
    let instance = house.instance();
    let claims = house.with(&json!({"herald_role": "talent", "herald_talent": "t1", "aud": ["other", "herald"]}));
    for (alg, kid) in [("RS256", "rsa"), ("ES256", "ec"), ("EdDSA", "ed")] {
        let token = house.pairs.token(&json!({"alg": alg, "kid": kid, "typ": "at+jwt"}), &claims);
        let caller = ask(&instance, &token).await.unwrap();
        assert_eq!(caller.workspace.as_str(), "acme", "{alg}");
        assert_eq!((caller.subject.as_str(), caller.role), ("staff-1", Role::Talent));
        assert_eq!(caller.talent, Some(TalentId::parse("t1").unwrap()));
    }
}

#[tokio::test]
async fn a_token_of_the_local_issuer_proves_its_bearer() {
    let house = House::empty().await;
    let signer = Signer::from_pkcs8(&Signer::generate_pkcs8().unwrap()).unwrap();
    let instance = house.instance();
    instance.keys().store(signer.jwks()).await.unwrap();
    let caller = ask(&instance, &signer.sign(&house.admin()).unwrap()).await.unwrap();
    assert_eq!((caller.role, caller.talent), (Role::Admin, None));
    assert!(Signer::from_pkcs8(b"no key").is_err());
}

#[tokio::test]
async fn a_known_key_costs_no_call_to_the_table() {
    let house = House::new().await;
    let instance = house.instance();
    let token = house.pairs.es256(&house.admin());
    ask(&instance, &token).await.unwrap();
    let before = house.table_calls();
    for _ in 0..5 {
        ask(&instance, &token).await.unwrap();
    }
    assert_eq!(house.table_calls(), before);
}

#[tokio::test]
async fn claims_that_do_not_hold_are_refused() {
    let house = House::new().await;
    let instance = house.instance();
    for changes in [
        json!({"iss": "https://evil.example"}),
        json!({"iss": [house.stage.origin]}),
        json!({"iss": format!("{}/", house.stage.origin)}),
        json!({"iss": null}),
        json!({"aud": "heral"}),
        json!({"aud": ["other"]}),
        json!({"aud": []}),
        json!({"aud": ["herald", 1]}),
        json!({"aud": 1}),
        json!({"aud": null}),
        json!({"exp": NOW - 30}),
        json!({"exp": (NOW + 3600).to_string()}),
        json!({"exp": [NOW + 3600]}),
        json!({"exp": -1}),
        json!({"exp": null}),
        json!({"nbf": NOW + 31}),
        json!({"nbf": NOW.to_string()}),
        json!({"nbf": false}),
        json!({"sub": null}),
        json!({"sub": 7}),
        json!({"sub": ""}),
    ] {
        let answer = ask(&instance, &house.pairs.es256(&house.with(&changes))).await;
        assert!(is_invalid(&answer), "{changes}: {answer:?}");
    }
    // `with` cannot write a claim that is null.
    for name in ["exp", "nbf", "aud", "iss"] {
        let mut claims = house.admin();
        claims[name] = Value::Null;
        assert!(is_invalid(&ask(&instance, &house.pairs.es256(&claims)).await), "{name}: null");
    }
}

#[tokio::test]
async fn clocks_may_differ_by_half_a_minute() {
    let house = House::new().await;
    let instance = house.instance();
    for changes in [json!({"exp": NOW - 29}), json!({"exp": NOW as f64 - 29.5}), json!({"nbf": NOW + 30})] {
        ask(&instance, &house.pairs.es256(&house.with(&changes))).await.unwrap();
    }
}

#[tokio::test]
async fn a_good_token_that_does_not_say_what_its_bearer_is_is_forbidden() {
    let house = House::new().await;
    let instance = house.instance();
    for changes in [
        json!({"herald_workspace": null}),
        json!({"herald_workspace": ""}),
        json!({"herald_workspace": "acme#t#x"}),
        json!({"herald_workspace": "acme/x"}),
        json!({"herald_workspace": ["acme"]}),
        json!({"herald_workspace": 1}),
        json!({"herald_role": null}),
        json!({"herald_role": "Admin"}),
        json!({"herald_role": "root"}),
        json!({"herald_role": ["admin"]}),
        json!({"herald_role": "talent"}),
        json!({"herald_role": "talent", "herald_talent": ""}),
        json!({"herald_role": "talent", "herald_talent": "t#1"}),
        json!({"herald_role": "talent", "herald_talent": ["t1"]}),
    ] {
        let answer = ask(&instance, &house.pairs.es256(&house.with(&changes))).await;
        assert!(matches!(answer, Err(AuthError::Forbidden(_))), "{changes}: {answer:?}");
    }
}

#[tokio::test]
async fn a_token_without_a_signature_is_refused() {
    let house = House::new().await;
    let instance = house.instance();
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        for kid in [json!({"alg": alg}), json!({"alg": alg, "kid": "ec"})] {
            assert!(is_invalid(&ask(&instance, &house.pairs.token(&kid, &house.admin())).await), "{alg}");
        }
    }
    let signed = house.pairs.es256(&house.admin());
    let (message, _) = signed.rsplit_once('.').unwrap();
    for signature in [String::new(), b64([0; 64]), b64([]), b64([0; 63])] {
        assert!(is_invalid(&ask(&instance, &format!("{message}.{signature}")).await));
    }
}

#[tokio::test]
async fn a_public_key_is_never_taken_for_a_secret() {
    let house = House::new().await;
    let instance = house.instance();
    let text = |jwk: &Value, field: &str| URL_SAFE_NO_PAD.decode(jwk[field].as_str().unwrap()).unwrap();
    let (rsa, ec, ed) = (house.pairs.rsa_jwk("rsa"), house.pairs.ec_jwk("ec"), house.pairs.ed_jwk("ed"));
    let point = [&[4], text(&ec, "x").as_slice(), &text(&ec, "y")].concat();
    let secrets: [(&str, Vec<u8>); 7] = [
        ("rsa", text(&rsa, "n")),
        ("rsa", house.pairs.rsa.public().as_ref().to_vec()),
        ("rsa", rsa.to_string().into_bytes()),
        ("ec", point.clone()),
        ("ec", text(&ec, "x")),
        ("ed", text(&ed, "x")),
        ("ec", house.pairs.jwks().into_bytes()),
    ];
    for (kid, secret) in secrets {
        for (alg, algorithm) in
            [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)]
        {
            let header = json!({"alg": alg, "kid": kid});
            let message = format!("{}.{}", b64(header.to_string()), b64(house.admin().to_string()));
            let tag = hmac::sign(&hmac::Key::new(algorithm, &secret), message.as_bytes());
            assert!(is_invalid(&ask(&instance, &format!("{message}.{}", b64(tag))).await), "{alg} {kid}");
        }
    }
}

#[tokio::test]
async fn an_algorithm_that_does_not_fit_the_key_is_refused() {
    let house = House::new().await;
    let instance = house.instance();
    for (alg, kid) in
        [("RS256", "ec"), ("ES256", "rsa"), ("EdDSA", "ec"), ("ES256", "ed"), ("RS256", "ed"), ("EdDSA", "rsa")]
    {
        let token = house.pairs.token(&json!({"alg": alg, "kid": kid}), &house.admin());
        assert!(is_invalid(&ask(&instance, &token).await), "{alg} {kid}");
    }
    for alg in ["RS384", "RS512", "PS256", "ES384", "ES512", "ES256K", "Ed448", "A256GCM"] {
        let token = house.pairs.token(&json!({"alg": alg, "kid": "rsa"}), &house.admin());
        assert!(is_invalid(&ask(&instance, &token).await), "{alg}");
    }
}

#[tokio::test]
async fn a_token_does_not_bring_its_own_key() {
    let house = House::new().await;
    let instance = house.instance();
    let thief = Pairs::new();
    for header in [
        json!({"alg": "ES256", "kid": "ec"}),
        json!({"alg": "ES256", "kid": "ec", "jwk": thief.ec_jwk("ec")}),
        json!({"alg": "ES256", "kid": "ec", "jku": format!("{}/thief", house.stage.origin)}),
        json!({"alg": "ES256", "kid": "ec", "x5u": format!("{}/thief", house.stage.origin)}),
        json!({"alg": "ES256", "kid": "mine", "jwk": thief.ec_jwk("mine")}),
        json!({"alg": "ES256", "jwk": thief.ec_jwk("ec")}),
    ] {
        assert!(is_invalid(&ask(&instance, &thief.token(&header, &house.admin())).await), "{header}");
    }
    assert!(house.stage.sent().iter().all(|request| request.path != "/thief"));
    // On a token with a good signature such a header does no harm.
    let header = json!({"alg": "ES256", "kid": "ec", "jku": "https://evil.example/keys", "jwk": thief.ec_jwk("ec")});
    ask(&instance, &house.pairs.token(&header, &house.admin())).await.unwrap();
}

#[tokio::test]
async fn a_header_that_says_more_than_it_may_is_refused() {
    let house = House::new().await;
    let instance = house.instance();
    for header in [
        json!({"alg": "ES256", "kid": "ec", "crit": ["exp"], "exp": 1}),
        json!({"alg": "ES256", "kid": "ec", "crit": ["b64"], "b64": false}),
        json!({"alg": "ES256", "kid": "ec", "crit": []}),
        json!({"alg": "ES256", "kid": "ec", "crit": null}),
        json!({"alg": "ES256", "kid": null}),
        json!({"alg": "ES256", "kid": 1}),
        json!({"alg": "ES256", "kid": ["ec"]}),
        json!({"alg": ["ES256"], "kid": "ec"}),
        json!({"kid": "ec"}),
        json!([]),
    ] {
        let message = format!("{}.{}", b64(header.to_string()), b64(house.admin().to_string()));
        let token = format!("{message}.{}", b64(house.pairs.sign("ES256", message.as_bytes())));
        assert!(is_invalid(&ask(&instance, &token).await), "{header}");
    }
    let twice = r#"{"alg":"ES256","alg":"none","kid":"ec"}"#;
    let message = format!("{}.{}", b64(twice), b64(house.admin().to_string()));
    let token = format!("{message}.{}", b64(house.pairs.sign("ES256", message.as_bytes())));
    assert!(is_invalid(&ask(&instance, &token).await));
}

#[tokio::test]
async fn a_changed_token_is_refused() {
    let house = House::new().await;
    let instance = house.instance();
    let token = house.pairs.es256(&house.admin());
    let parts: Vec<&str> = token.split('.').collect();
    let other = b64(house.with(&json!({"herald_workspace": "victim"})).to_string());
    assert!(is_invalid(&ask(&instance, &format!("{}.{other}.{}", parts[0], parts[2])).await));
    let swapped = house.pairs.token(&json!({"alg": "EdDSA", "kid": "ed"}), &house.admin());
    let (_, signature) = swapped.rsplit_once('.').unwrap();
    assert!(is_invalid(&ask(&instance, &format!("{}.{}.{signature}", parts[0], parts[1])).await));
}

#[tokio::test]
async fn what_is_no_token_is_refused() {
    let house = House::new().await;
    let instance = house.instance();
    let token = house.pairs.es256(&house.admin());
    let (two_parts, _) = token.rsplit_once('.').unwrap();
    let huge = house.pairs.es256(&house.with(&json!({"sub": "x".repeat(8192)})));
    for credential in [
        "x",
        "...",
        "..",
        ".",
        "a.b.c",
        "e30.e30.e30",
        "e30.e30.",
        "\u{0}.\u{0}.\u{0}",
        "a b.c.d",
        "ä.ö.ü",
        two_parts,
        &format!("{token}."),
        &format!("{token}.x"),
        &format!(".{token}"),
        &format!("{token}="),
        &format!("{token}!"),
        &huge,
        &"a".repeat(8193),
        &format!("{}.{}.{}", b64("{"), b64("{}"), b64("x")),
    ] {
        assert!(is_invalid(&ask(&instance, credential).await), "{credential:.40}");
    }
}

#[tokio::test]
async fn a_header_without_a_bearer_credential_is_a_missing_one() {
    let house = House::new().await;
    let instance = house.instance();
    for header in
        [None, Some(""), Some("Bearer"), Some("Bearer   "), Some("Basic dTpw"), Some("BearerX y"), Some("hk_x")]
    {
        let answer = instance.authenticate(header).await.unwrap_err();
        assert!(matches!(answer, AuthError::Unauthenticated { code: None, .. }), "{header:?}");
    }
    let token = house.pairs.es256(&house.admin());
    for header in [format!("bearer {token}"), format!("  BEARER   {token}  ")] {
        instance.authenticate(Some(&header)).await.unwrap();
    }
}

#[test]
fn each_refusal_has_its_answer() {
    let answer = |error: AuthError| {
        let error = ApiError::from(error);
        (error.status, error.challenge, error.retry_after)
    };
    let invalid = Some(r#"Bearer realm="herald", error="invalid_token""#);
    assert_eq!(answer(AuthError::missing("")), (StatusCode::UNAUTHORIZED, Some(r#"Bearer realm="herald""#), None));
    assert_eq!(answer(AuthError::invalid("")), (StatusCode::UNAUTHORIZED, invalid, None));
    assert_eq!(answer(AuthError::Forbidden("")), (StatusCode::FORBIDDEN, None, None));
    assert_eq!(answer(AuthError::TooManyRequests { retry_after: 3 }), (StatusCode::TOO_MANY_REQUESTS, None, Some(3)));
    assert_eq!(answer(AuthError::Unavailable(String::new())).0, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!ApiError::from(AuthError::invalid("the inside story")).message.contains("inside"));
}

#[tokio::test]
async fn a_credential_past_its_limit_waits_and_others_do_not() {
    let house = House::new().await;
    let instance = house.limited("1:2");
    let mine = house.pairs.es256(&house.admin());
    let renewed = house.pairs.es256(&house.with(&json!({"exp": NOW + 7200})));
    let other = house.pairs.es256(&house.with(&json!({"sub": "staff-2"})));
    ask(&instance, &mine).await.unwrap();
    ask(&instance, &renewed).await.unwrap();
    assert_eq!(ask(&instance, &mine).await.unwrap_err(), AuthError::TooManyRequests { retry_after: 1 });
    ask(&instance, &other).await.unwrap();
    house.clock.advance(jiff::SignedDuration::from_secs(1));
    ask(&instance, &mine).await.unwrap();
}

#[tokio::test]
async fn a_token_is_verified_once_and_its_time_is_asked_at_each_use() {
    let house = House::new().await;
    let instance = house.instance();
    let proven = || instance.keys().remembered().map_or(0, |set| set.proofs.len());
    let short = house.pairs.es256(&house.with(&json!({"exp": NOW + 60, "nbf": NOW})));
    for _ in 0..3 {
        ask(&instance, &short).await.unwrap();
        assert_eq!(proven(), 1);
    }
    house.clock.advance(jiff::SignedDuration::from_secs(89));
    ask(&instance, &short).await.unwrap();
    house.clock.advance(jiff::SignedDuration::from_secs(1));
    assert_eq!(proven(), 1, "it is known still, and dead");
    assert!(is_invalid(&ask(&instance, &short).await));
    // A clock that was set back: not valid yet.
    house.clock.advance(jiff::SignedDuration::from_secs(-90));
    ask(&instance, &short).await.unwrap();
    house.clock.advance(jiff::SignedDuration::from_secs(-31));
    instance.keys().store(&house.pairs.jwks()).await.unwrap();
    assert!(is_invalid(&ask(&instance, &short).await));
    assert_eq!(proven(), 0, "what was refused is not remembered");
}

#[tokio::test]
async fn a_changed_key_set_forgets_what_the_old_one_proved() {
    let house = House::new().await;
    let instance = house.instance();
    let token = house.pairs.es256(&house.admin());
    ask(&instance, &token).await.unwrap();
    // Under the same key id, so that only the signature can tell.
    let impostor = json!({"keys": [Pairs::new().ec_jwk("ec")]}).to_string();
    instance.keys().store(&impostor).await.unwrap();
    assert!(is_invalid(&ask(&instance, &token).await));
    instance.keys().store(&house.pairs.jwks()).await.unwrap();
    ask(&instance, &token).await.unwrap();
}

#[tokio::test]
async fn what_one_token_proved_is_never_said_of_another() {
    let house = House::new().await;
    let instance = house.instance();
    let admin = house.pairs.es256(&house.admin());
    ask(&instance, &admin).await.unwrap();
    // Its signature on other claims, its claims under another signature or head.
    let claims = house.with(&json!({"herald_workspace": "other"}));
    let parts: Vec<&str> = admin.split('.').collect();
    let [head, body, signature] = parts[..] else { panic!("three parts") };
    let of_another = Pairs::new().es256(&house.admin());
    for forged in [
        format!("{head}.{}.{signature}", b64(claims.to_string())),
        format!("{head}.{body}.{}", of_another.rsplit('.').next().unwrap()),
        format!("{}.{body}.{signature}", b64(r#"{"alg":"none"}"#)),
        format!("{head}.{body}.{}", b64([0; 64])),
        format!("{head}.{body}."),
    ] {
        assert!(is_invalid(&ask(&instance, &forged).await), "{forged}");
    }
    let talent = house.with(&json!({"sub": "t", "herald_role": "talent", "herald_talent": "t1"}));
    let talent = ask(&instance, &house.pairs.es256(&talent)).await.unwrap();
    assert_eq!((talent.subject.as_str(), talent.role), ("t", Role::Talent));
    assert_eq!(ask(&instance, &admin).await.unwrap().role, Role::Admin);
}
