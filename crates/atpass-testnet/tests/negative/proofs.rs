use super::*;

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn proofs() {
    let lab = Lab::start().await;
    let app = lab.app();
    let body = form(&app.request("state", CHALLENGE));
    let mut table = Table {
        wrong: vec![],
        count: 0,
    };
    let path = "/oauth/par";
    table.row(
        "no proof",
        &send(&app, path, &body, &[]).await,
        400,
        "invalid_dpop_proof",
    );
    let before = lab.rows();

    let bad = "invalid_dpop_proof";
    let none = json!({});
    let mut private = serde_json::to_value(app.key.public()).unwrap();
    private["d"] = json!("AAAA");
    let mut off_curve = serde_json::to_value(app.key.public()).unwrap();
    off_curve["x"] = off_curve["y"].clone();
    let now = app.now.as_secs();
    for (name, header, claims, error) in [
        ("typ JWT", json!({"typ": "JWT"}), none.clone(), bad),
        ("no typ", json!({"typ": null}), none.clone(), bad),
        ("alg none", json!({"alg": "none"}), none.clone(), bad),
        ("alg HS256", json!({"alg": "HS256"}), none.clone(), bad),
        (
            "alg ES256K over P-256",
            json!({"alg": "ES256K"}),
            none.clone(),
            bad,
        ),
        ("crit", json!({"crit": ["exp"]}), none.clone(), bad),
        ("no jwk", json!({"jwk": null}), none.clone(), bad),
        ("jwk with d", json!({"jwk": private}), none.clone(), bad),
        (
            "jwk off the curve",
            json!({"jwk": off_curve}),
            none.clone(),
            bad,
        ),
        (
            "jwk symmetric",
            json!({"jwk": {"kty": "oct", "k": "AAAA"}}),
            none.clone(),
            bad,
        ),
        ("no jti", none.clone(), json!({"jti": null}), bad),
        ("jti a number", none.clone(), json!({"jti": 7}), bad),
        (
            "jti too long",
            none.clone(),
            json!({"jti": "x".repeat(300)}),
            bad,
        ),
        ("no htm", none.clone(), json!({"htm": null}), bad),
        ("htm GET", none.clone(), json!({"htm": "GET"}), bad),
        (
            "htm in small letters",
            none.clone(),
            json!({"htm": "post"}),
            bad,
        ),
        ("no htu", none.clone(), json!({"htu": null}), bad),
        (
            "htu of another endpoint",
            none.clone(),
            json!({"htu": format!("{}/oauth/token", app.origin)}),
            bad,
        ),
        (
            "htu of another host",
            none.clone(),
            json!({"htu": "https://evil.example/oauth/par"}),
            bad,
        ),
        (
            "htu with query",
            none.clone(),
            json!({"htu": format!("{}{path}?x=1", app.origin)}),
            bad,
        ),
        (
            "htu with fragment",
            none.clone(),
            json!({"htu": format!("{}{path}#x", app.origin)}),
            bad,
        ),
        ("no iat", none.clone(), json!({"iat": null}), bad),
        (
            "iat an hour ago",
            none.clone(),
            json!({"iat": now - 3600}),
            bad,
        ),
        (
            "iat in an hour",
            none.clone(),
            json!({"iat": now + 3600}),
            bad,
        ),
        ("iat a fraction", none.clone(), json!({"iat": 1.5}), bad),
        ("iat 2^64-1", none.clone(), json!({"iat": u64::MAX}), bad),
        ("iat negative", none.clone(), json!({"iat": i64::MIN}), bad),
        (
            "no nonce",
            none.clone(),
            json!({"nonce": null}),
            "use_dpop_nonce",
        ),
        (
            "nonce empty",
            none.clone(),
            json!({"nonce": ""}),
            "use_dpop_nonce",
        ),
        (
            "nonce foreign",
            none.clone(),
            json!({"nonce": "A".repeat(27)}),
            "use_dpop_nonce",
        ),
    ] {
        let proof = proof(&app, path, &header, &claims);
        table.row(name, &send(&app, path, &body, &[proof]).await, 400, error);
    }

    let good = || app.proof("POST", path, None);
    let (one, two) = (good(), good());
    table.row(
        "two proofs",
        &send(&app, path, &body, &[one, two]).await,
        400,
        bad,
    );
    table.row(
        "not a JWT",
        &send(&app, path, &body, &["x.y".into()]).await,
        400,
        bad,
    );
    table.row(
        "two JWTs in one header",
        &send(&app, path, &body, &[format!("{}, {}", good(), good())]).await,
        400,
        bad,
    );
    let other = app.other_key();
    let (mine, theirs) = (
        good(),
        proof(&other, path, &none, &json!({"nonce": app.nonce()})),
    );
    let signature = theirs.rsplit('.').next().unwrap();
    let forged = format!("{}.{signature}", mine.rsplit_once('.').unwrap().0);
    table.row(
        "signature of another key",
        &send(&app, path, &body, &[forged]).await,
        400,
        bad,
    );
    let huge = BASE64URL_NOPAD.encode(&vec![b'{'; 7000]);
    table.row(
        "a long proof",
        &send(&app, path, &body, &[format!("{huge}.{huge}.AAAA")]).await,
        400,
        bad,
    );
    let nested = BASE64URL_NOPAD.encode("[".repeat(3000).as_bytes());
    table.row(
        "a deeply nested proof",
        &send(&app, path, &body, &[format!("{nested}.e30.AAAA")]).await,
        400,
        bad,
    );

    assert_eq!(lab.rows(), before, "nothing was written");
    let proof = good();
    assert_eq!(
        send(&app, path, &body, std::slice::from_ref(&proof))
            .await
            .status,
        StatusCode::CREATED
    );
    table.row(
        "a proof again",
        &send(&app, path, &body, &[proof]).await,
        400,
        bad,
    );
    table.finish();
}
