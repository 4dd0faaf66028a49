//! Metadata that can't be used: of the PDS, and of the authorization server.

use http::header;
use serde_json::{Value, json};

use super::row::{Change, Row, check};
use super::scene::{Content, DID, ISSUER, PDS, Reply, resource, server, with, without};

fn res(change: impl Fn(Value) -> Value + 'static) -> Change {
    Box::new(move |scene| scene.resource = Reply::json(&change(resource())))
}

fn servers(servers: Value) -> Change {
    res(move |value| with(value, "/authorization_servers", servers.clone()))
}

fn res_reply(reply: Reply) -> Change {
    Box::new(move |scene| scene.resource = reply.clone())
}

/// Clause ID-DISC-01.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn resource_metadata() {
    let good = || Reply::json(&resource());
    check(vec![
        Row(
            "ID-DISC-01",
            "none",
            PDS,
            res_reply(good().status(500)),
            "resource: status",
        ),
        Row(
            "ID-DISC-01",
            "none, from an account",
            DID,
            res_reply(good().status(404)),
            "resource: status",
        ),
        Row(
            "ID-DISC-01",
            "201",
            DID,
            res_reply(good().status(201)),
            "resource: status",
        ),
        Row(
            "ID-DISC-01",
            "204",
            DID,
            res_reply(
                Reply {
                    body: Content::Whole("".into()),
                    ..good()
                }
                .status(204),
            ),
            "resource: status",
        ),
        Row(
            "ID-DISC-01",
            "206",
            DID,
            res_reply(good().status(206)),
            "resource: status",
        ),
        Row(
            "ID-DISC-01",
            "a redirect",
            DID,
            res_reply(
                good()
                    .status(302)
                    .header(header::LOCATION, "https://pds.example.com/x"),
            ),
            "resource: redirect",
        ),
        Row(
            "ID-DISC-01",
            "a redirect to a private address",
            DID,
            res_reply(
                good()
                    .status(307)
                    .header(header::LOCATION, "http://169.254.169.254/latest"),
            ),
            "resource: redirect",
        ),
        Row(
            "ID-DISC-01",
            "a bot filter's page",
            DID,
            res_reply(Reply::text("text/html; charset=utf-8", "<p>").status(403)),
            "resource: status",
        ),
        Row(
            "ID-DISC-01",
            "a web page with 200",
            DID,
            res_reply(Reply::text("text/html", "<p>")),
            "resource: content_type",
        ),
        Row(
            "ID-DISC-01",
            "no content type",
            DID,
            res_reply(Reply {
                headers: vec![],
                ..good()
            }),
            "resource: content_type",
        ),
        Row(
            "ID-DISC-01",
            "two authorization servers",
            DID,
            servers(json!([ISSUER, "https://evil.example.com"])),
            "bad resource",
        ),
        Row(
            "ID-DISC-01",
            "no authorization server",
            DID,
            servers(json!([])),
            "bad resource",
        ),
        Row(
            "ID-DISC-01",
            "no list of authorization servers",
            DID,
            res(|v| without(v, "authorization_servers")),
            "bad resource",
        ),
        Row(
            "ID-DISC-01",
            "a list that is a text",
            DID,
            servers(json!(ISSUER)),
            "resource: json",
        ),
        Row(
            "ID-DISC-01",
            "an authorization server with a path",
            DID,
            servers(json!([format!("{ISSUER}/x")])),
            "bad resource",
        ),
        Row(
            "ID-DISC-01",
            "an authorization server with a slash",
            DID,
            servers(json!([format!("{ISSUER}/")])),
            "bad resource",
        ),
        Row(
            "ID-DISC-01",
            "an authorization server without TLS",
            DID,
            servers(json!(["http://auth.example.org"])),
            "bad resource",
        ),
        Row(
            "ID-DISC-01",
            "another resource",
            DID,
            res(|v| with(v, "/resource", "https://pds.example.org")),
            "bad resource",
        ),
        Row(
            "ID-DISC-01",
            "the resource with a slash",
            DID,
            res(|v| with(v, "/resource", format!("{PDS}/"))),
            "bad resource",
        ),
        Row(
            "C-DISC",
            "an authorization server on this machine",
            DID,
            servers(json!(["https://127.0.0.1"])),
            "server: connect",
        ),
        Row(
            "ID-NET-01",
            "an authorization server at a private address",
            DID,
            servers(json!(["https://10.0.0.1"])),
            "server: address",
        ),
    ])
    .await;
}

fn asm(change: impl Fn(Value) -> Value + 'static) -> Change {
    Box::new(move |scene| scene.server = Reply::json(&change(server())))
}

fn asm_reply(reply: Reply) -> Change {
    Box::new(move |scene| scene.server = reply.clone())
}

/// Clause ID-DISC-02: each departure from clauses AS-META-02 to AS-META-08 is named.
#[tokio::test]
async fn server_metadata() {
    let good = || Reply::json(&server());
    check(vec![
        Row("ID-DISC-02", "none", DID, asm_reply(good().status(404)), "server: status"),
        Row("ID-DISC-02", "a redirect", DID, asm_reply(good().status(308).header(header::LOCATION, "https://auth.example.com/")), "server: redirect"),
        Row("ID-DISC-02", "a web page", DID, asm_reply(Reply::text("text/html", "<p>")), "server: content_type"),
        Row("ID-DISC-02", "no JSON", DID, asm_reply(Reply::text("application/json", "nothing")), "server: json"),
        Row("ID-DISC-02", "a document nested a thousand deep", DID, asm_reply(Reply::text("application/json", "[".repeat(100_000))), "server: json"),
        Row("AS-META-02", "another issuer", DID, asm(|v| with(v, "/issuer", "https://evil.example.com")), "bad server: issuer is https://evil.example.com, but the document lies at https://auth.example.org"),
        Row("AS-META-02", "the issuer with a slash", DID, asm(|v| with(v, "/issuer", format!("{ISSUER}/"))), "bad server: issuer is https://auth.example.org/, but the document lies at https://auth.example.org"),
        Row("AS-META-02", "no issuer", DID, asm(|v| without(v, "issuer")), "server: json"),
        Row("AS-META-03", "no endpoint for PAR", DID, asm(|v| without(v, "pushed_authorization_request_endpoint")), "server: json"),
        Row("AS-META-03", "an authorization endpoint elsewhere", DID, asm(|v| with(v, "/authorization_endpoint", "https://evil.example.com/authorize")), "bad server: authorization_endpoint is not a URL of the issuer"),
        Row("AS-META-03", "an authorization endpoint that is a script", DID, asm(|v| with(v, "/authorization_endpoint", "javascript:alert(1)")), "bad server: authorization_endpoint is not a URL of the issuer"),
        Row("AS-META-03", "PAR without TLS", DID, asm(|v| with(v, "/pushed_authorization_request_endpoint", "http://auth.example.org/par")), "bad server: pushed_authorization_request_endpoint is not a URL of the issuer"),
        Row("AS-META-03", "revocation elsewhere", DID, asm(|v| with(v, "/revocation_endpoint", "https://evil.example.com/revoke")), "bad server: revocation_endpoint is not a URL of the issuer"),
        Row("AS-META-03", "an endpoint with credentials", DID, asm(|v| with(v, "/token_endpoint", "https://u:p@auth.example.org/token")), "bad server: token_endpoint is not a URL of the issuer"),
        Row("AS-META-03", "an endpoint with a fragment", DID, asm(|v| with(v, "/token_endpoint", format!("{ISSUER}/token#x"))), "bad server: token_endpoint is not a URL of the issuer"),
        Row("AS-META-03", "an endpoint with backslashes", DID, asm(|v| with(v, "/token_endpoint", "https:\\\\auth.example.org\\token")), "bad server: token_endpoint is not a URL of the issuer"),
        Row("AS-META-03", "an endpoint with a line break", DID, asm(|v| with(v, "/token_endpoint", format!("{ISSUER}/to\nken"))), "bad server: token_endpoint is not a URL of the issuer"),
        Row("AS-META-03", "keys at a URL that is none", DID, asm(|v| with(v, "/jwks_uri", "javascript:alert(1)")), "bad server: jwks_uri is not a URL of the issuer"),
        Row("AS-META-04", "plain beside S256", DID, asm(|v| with(v, "/code_challenge_methods_supported", json!(["S256", "plain"]))), "bad server: code_challenge_methods_supported must not hold plain"),
        Row("AS-META-06", "symmetric algorithms for DPoP", DID, asm(|v| with(v, "/dpop_signing_alg_values_supported", json!(["ES256", "HS256"]))), "bad server: dpop_signing_alg_values_supported must not hold HS256"),
        Row("AS-META-03", "a token endpoint elsewhere", DID, asm(|v| with(v, "/token_endpoint", "https://evil.example.com/token")), "bad server: token_endpoint is not a URL of the issuer"),
        Row("AS-META-04", "no PKCE", DID, asm(|v| with(v, "/code_challenge_methods_supported", json!(["S512"]))), "bad server: code_challenge_methods_supported lacks S256"),
        Row("AS-META-04", "no response type code", DID, asm(|v| without(v, "response_types_supported")), "bad server: response_types_supported lacks code"),
        Row("AS-META-04", "no refresh", DID, asm(|v| with(v, "/grant_types_supported", json!(["authorization_code"]))), "bad server: grant_types_supported lacks refresh_token"),
        Row("AS-META-05", "no public clients", DID, asm(|v| with(v, "/token_endpoint_auth_methods_supported", json!(["private_key_jwt"]))), "bad server: token_endpoint_auth_methods_supported lacks none"),
        Row("AS-META-05", "alg none for assertions", DID, asm(|v| with(v, "/token_endpoint_auth_signing_alg_values_supported", json!(["ES256", "none"]))), "bad server: token_endpoint_auth_signing_alg_values_supported must not hold none"),
        Row("AS-META-06", "no scope atproto", DID, asm(|v| with(v, "/scopes_supported", json!(["openid"]))), "bad server: scopes_supported lacks atproto"),
        Row("AS-META-07", "no iss in answers", DID, asm(|v| without(v, "authorization_response_iss_parameter_supported")), "bad server: authorization_response_iss_parameter_supported must be true"),
        Row("AS-META-07", "PAR not required", DID, asm(|v| with(v, "/require_pushed_authorization_requests", false)), "bad server: require_pushed_authorization_requests must be true"),
        Row("AS-META-07", "no metadata documents", DID, asm(|v| without(v, "client_id_metadata_document_supported")), "bad server: client_id_metadata_document_supported must be true"),
        Row("AS-META-07", "request URIs not registered", DID, asm(|v| with(v, "/require_request_uri_registration", false)), "bad server: require_request_uri_registration must be true"),
        Row("AS-META-08", "no ES256 for DPoP", DID, asm(|v| with(v, "/dpop_signing_alg_values_supported", json!(["RS256"]))), "bad server: dpop_signing_alg_values_supported lacks ES256"),
        Row("ID-DISC-02", "a PDS that names somebody else's authorization server", DID, asm(|v| with(v, "/protected_resources", json!(["https://pds.example.org"]))), "bad server: protected_resources does not list https://pds.example.com"),
    ])
    .await;
}
