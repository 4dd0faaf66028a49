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
        "no proof, AS-PAR-04",
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
        (
            "typ JWT, AS-DPOP-02",
            json!({"typ": "JWT"}),
            none.clone(),
            bad,
        ),
        (
            "no typ, AS-DPOP-02",
            json!({"typ": null}),
            none.clone(),
            bad,
        ),
        (
            "alg none, AS-DPOP-02",
            json!({"alg": "none"}),
            none.clone(),
            bad,
        ),
        (
            "alg HS256, AS-DPOP-02",
            json!({"alg": "HS256"}),
            none.clone(),
            bad,
        ),
        (
            "alg ES256K over P-256, AS-DPOP-02",
            json!({"alg": "ES256K"}),
            none.clone(),
            bad,
        ),
        (
            "crit, AS-DPOP-03",
            json!({"crit": ["exp"]}),
            none.clone(),
            bad,
        ),
        (
            "no jwk, AS-DPOP-03",
            json!({"jwk": null}),
            none.clone(),
            bad,
        ),
        (
            "jwk with d, AS-DPOP-03",
            json!({"jwk": private}),
            none.clone(),
            bad,
        ),
        (
            "jwk off the curve, AS-DPOP-03",
            json!({"jwk": off_curve}),
            none.clone(),
            bad,
        ),
        (
            "jwk symmetric, AS-DPOP-03",
            json!({"jwk": {"kty": "oct", "k": "AAAA"}}),
            none.clone(),
            bad,
        ),
        (
            "no jti, AS-DPOP-05",
            none.clone(),
            json!({"jti": null}),
            bad,
        ),
        (
            "jti a number, AS-DPOP-05",
            none.clone(),
            json!({"jti": 7}),
            bad,
        ),
        (
            "jti too long, AS-DPOP-05",
            none.clone(),
            json!({"jti": "x".repeat(300)}),
            bad,
        ),
        (
            "no htm, AS-DPOP-05",
            none.clone(),
            json!({"htm": null}),
            bad,
        ),
        (
            "htm GET, AS-DPOP-06",
            none.clone(),
            json!({"htm": "GET"}),
            bad,
        ),
        (
            "htm in small letters, AS-DPOP-06",
            none.clone(),
            json!({"htm": "post"}),
            bad,
        ),
        (
            "no htu, AS-DPOP-05",
            none.clone(),
            json!({"htu": null}),
            bad,
        ),
        (
            "htu of another endpoint, AS-DPOP-07",
            none.clone(),
            json!({"htu": format!("{}/oauth/token", app.origin)}),
            bad,
        ),
        (
            "htu of another host, AS-DPOP-07",
            none.clone(),
            json!({"htu": "https://evil.example/oauth/par"}),
            bad,
        ),
        (
            "htu with query, AS-DPOP-07",
            none.clone(),
            json!({"htu": format!("{}{path}?x=1", app.origin)}),
            bad,
        ),
        (
            "htu with fragment, AS-DPOP-07",
            none.clone(),
            json!({"htu": format!("{}{path}#x", app.origin)}),
            bad,
        ),
        (
            "no iat, AS-DPOP-05",
            none.clone(),
            json!({"iat": null}),
            bad,
        ),
        (
            "iat an hour ago, AS-DPOP-08",
            none.clone(),
            json!({"iat": now - 3600}),
            bad,
        ),
        (
            "iat in an hour, AS-DPOP-08",
            none.clone(),
            json!({"iat": now + 3600}),
            bad,
        ),
        (
            "iat a fraction, AS-DPOP-08",
            none.clone(),
            json!({"iat": 1.5}),
            bad,
        ),
        (
            "iat 2^64-1, AS-DPOP-08",
            none.clone(),
            json!({"iat": u64::MAX}),
            bad,
        ),
        (
            "iat negative, AS-DPOP-08",
            none.clone(),
            json!({"iat": i64::MIN}),
            bad,
        ),
        (
            "no nonce, AS-DPOP-09",
            none.clone(),
            json!({"nonce": null}),
            "use_dpop_nonce",
        ),
        (
            "nonce empty, AS-DPOP-09",
            none.clone(),
            json!({"nonce": ""}),
            "use_dpop_nonce",
        ),
        (
            "nonce foreign, AS-DPOP-09",
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
        "two proofs, AS-DPOP-01",
        &send(&app, path, &body, &[one, two]).await,
        400,
        bad,
    );
    table.row(
        "not a JWT, AS-DPOP-01",
        &send(&app, path, &body, &["x.y".into()]).await,
        400,
        bad,
    );
    table.row(
        "two JWTs in one header, AS-DPOP-01",
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
        "signature of another key, AS-DPOP-04",
        &send(&app, path, &body, &[forged]).await,
        400,
        bad,
    );
    let huge = BASE64URL_NOPAD.encode(&vec![b'{'; 7000]);
    table.row(
        "a long proof, AS-DPOP-01",
        &send(&app, path, &body, &[format!("{huge}.{huge}.AAAA")]).await,
        400,
        bad,
    );
    let nested = BASE64URL_NOPAD.encode("[".repeat(3000).as_bytes());
    table.row(
        "a deeply nested proof, AS-DPOP-01",
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
        "a proof again, AS-DPOP-11",
        &send(&app, path, &body, &[proof]).await,
        400,
        bad,
    );
    table.finish();
}

/// Clauses AS-DPOP-07, AS-DPOP-10 and AS-DPOP-13: other spellings of the URL, a nonce that was
/// current a moment ago, a clock that is off; and what the error says to a clock that is far off.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_forgiven() {
    let lab = Lab::start().await;
    let app = lab.app();
    let path = "/oauth/par";
    let body = form(&app.request("state", CHALLENGE));
    send(&app, path, &body, &[app.proof("POST", path, None)]).await;
    let passes = async |claims: Value| {
        let proof = proof(&app, path, &json!({}), &claims);
        send(&app, path, &body, &[proof]).await.status == StatusCode::CREATED
    };
    let shouted = app.origin.replace("http://localhost", "HTTP://LOCALHOST");
    assert!(passes(json!({"htu": format!("{shouted}{path}")})).await);
    let nonce = app.nonce();
    let late = app.now.as_secs() + 120;
    lab.clock.advance(120);
    assert!(passes(json!({"nonce": nonce, "iat": late})).await);
    for off in [-45, 45] {
        assert!(
            passes(json!({"nonce": nonce, "iat": late + off})).await,
            "{off} seconds off"
        );
    }
    let proof = proof(
        &app,
        path,
        &json!({}),
        &json!({"nonce": nonce, "iat": late - 7200}),
    );
    let refused = send(&app, path, &body, &[proof]).await;
    let text = refused.json()["error_description"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        text.contains(&late.to_string()) && text.contains("7200"),
        "{text}"
    );
}
