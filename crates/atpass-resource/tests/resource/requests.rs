//! Whole requests without tower: the answers are those of the layer. RS-DPOP-01, RS-ERR-01,
//! RS-ERR-03.

use atpass_protocol::scope::Permission;
use atpass_resource::{Refusal, ResourceError};
use axum::body::Body;
use http::{Request, Response};

use crate::fixture::{Answer, Call, ME, World};

const EMAIL: &str = "/xrpc/app.example.email";

async fn service(world: &World, request: Request<Body>) -> Result<Response<Body>, Refusal> {
    let path = request.uri().path().to_owned();
    let caller = if path == EMAIL {
        let (parts, _) = request.into_parts();
        let caller = world.server.verify_parts(&parts).await?;
        let allowed = caller.require(Permission::ACCOUNT_EMAIL);
        allowed.map_err(|error| world.server.refuse(error))?;
        caller
    } else {
        world.server.verify_request(&request).await?
    };
    let mut answer = Response::new(caller.did().to_string().into());
    world.server.mark(answer.headers_mut());
    Ok(answer)
}

async fn send(world: &World, call: &Call) -> Answer {
    // A body needn't be `Sync` for the request to be verified in a task that moves.
    fn moves<T: Send>(task: T) -> T {
        task
    }
    let answer = moves(service(world, call.request())).await;
    Answer::of(answer.unwrap_or_else(Response::from)).await
}

#[tokio::test]
async fn rs_err_01_answers_are_the_same_without_a_layer() {
    let world = World::new();
    let token = world.token();
    let good = |path: &str| world.call("GET", path, &token);
    let query = format!("{ME}?access_token=x");
    let proof = |nonce: &str| {
        let mut proof = world.proof("GET", ME, &token);
        proof.claims["nonce"] = nonce.into();
        proof.sign()
    };
    let once = world.me(&token);
    assert_eq!(world.send(&once).await.status, 200);
    let (bare, bearer) = (Call::new("GET", ME), format!("Bearer {token}"));
    for (status, call) in [
        (401, bare.clone()),
        (401, bare.clone().header("authorization", &bearer)),
        (401, bare.clone().token(&token)),
        (401, bare.clone().token(&token).proof(&proof(""))),
        (401, bare.clone().token(&token).proof("x")),
        (401, bare.clone().token("x").proof(&proof("x"))),
        (401, once),
        (400, good(&query)),
        (400, good(ME).token(&token)),
        (403, good(EMAIL)),
    ] {
        let layered = world.send(&call).await;
        // The proof of the last one holds, and is used up.
        let call = if status == 403 { good(EMAIL) } else { call };
        let plain = send(&world, &call).await;
        assert_eq!(plain.status, status, "{}", plain.text);
        assert_eq!(plain.status, layered.status);
        assert_eq!(plain.text, layered.text);
        let mut headers = layered.headers;
        headers.remove("content-length");
        assert_eq!(plain.headers, headers);
    }
    let answer = send(&world, &good(ME)).await;
    assert!(answer.is_ok());
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    assert_eq!(answer.all("vary"), "Authorization, DPoP");
    let exposed = answer.all("access-control-expose-headers");
    assert_eq!(exposed, "dpop-nonce, www-authenticate");
    assert!(answer.header("dpop-nonce").is_some());
}

#[tokio::test]
async fn a_refusal_says_why() {
    let world = World::new();
    let request = Call::new("GET", ME).request();
    let refusal = world.server.verify_request(&request).await.unwrap_err();
    assert_eq!(*refusal.error(), ResourceError::NoCredentials);
}
