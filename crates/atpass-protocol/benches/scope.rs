//! What a scope costs: read, compiled, asked. `cargo bench -p atpass-protocol --bench scope`.

use atpass_protocol::scope::{Grants, Permission, Repo, Rpc, ScopeSet};
use divan::{Bencher, black_box};

const SERVICE: &str = "did:web:api.example.com#svc_appview";

fn main() {
    divan::main();
}

/// As many permissions: half of them on records, half of them calls.
fn text(permissions: usize) -> String {
    let mut scope = String::from("atproto");
    for n in 0..permissions / 2 {
        scope += " repo:app.example.thing";
        scope += &n.to_string();
        scope += "?action=create rpc:app.example.call";
        scope += &n.to_string();
        scope += "?aud=did:web:api.example.com%23svc_appview";
    }
    scope
}

fn grants(permissions: usize) -> Option<Grants> {
    Some(ScopeSet::parse(&text(permissions)).ok()?.grants())
}

fn ask(bencher: Bencher<'_, '_>, permissions: usize, needed: Option<Permission>) {
    let (Some(grants), Some(needed)) = (grants(permissions), needed) else {
        return;
    };
    bencher.bench(|| black_box(&grants).allows(black_box(&needed)));
}

#[divan::bench(args = [4, 300])]
fn record_allowed(bencher: Bencher<'_, '_>, permissions: usize) {
    ask(
        bencher,
        permissions,
        Repo::create("app.example.thing1").ok(),
    );
}

#[divan::bench(args = [4, 300])]
fn record_refused(bencher: Bencher<'_, '_>, permissions: usize) {
    ask(
        bencher,
        permissions,
        Repo::delete("app.example.thing1").ok(),
    );
}

#[divan::bench(args = [4, 300])]
fn call_allowed(bencher: Bencher<'_, '_>, permissions: usize) {
    ask(
        bencher,
        permissions,
        Rpc::call("app.example.call1", SERVICE).ok(),
    );
}

#[divan::bench(args = [4, 300])]
fn call_refused(bencher: Bencher<'_, '_>, permissions: usize) {
    ask(
        bencher,
        permissions,
        Rpc::call("app.example.other", SERVICE).ok(),
    );
}

#[divan::bench(args = [4, 300])]
fn read(bencher: Bencher<'_, '_>, permissions: usize) {
    let text = text(permissions);
    bencher.bench(|| ScopeSet::parse(black_box(&text)));
}

#[divan::bench(args = [4, 300])]
fn compile(bencher: Bencher<'_, '_>, permissions: usize) {
    let Ok(set) = ScopeSet::parse(&text(permissions)) else {
        return;
    };
    bencher.bench(|| black_box(&set).grants());
}
