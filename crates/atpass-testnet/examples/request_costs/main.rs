//! What each request costs, where the machine's mood plays no part: allocations, and as a program under callgrind
//! instructions. And what each page weighs.
//!
//! `request_costs requests` sends one request after the other through the real code in this process, without
//! sockets, and prints what each allocated. `request_costs pages` prints the bytes of each page. `cargo xtask bench`
//! runs both, and `cargo xtask test` the first.
//!
//! | File | holds |
//! | --- | --- |
//! | `scene` | both servers, the host of the apps, time and randomness that are the same in each run |
//! | `app`, `browser` | who asks |
//! | `count` | the counting |
//! | `requests`, `pages` | what is measured |

mod app;
mod browser;
mod count;
mod pages;
mod requests;
mod scene;

use anyhow::{Result, bail};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let found = match std::env::args().nth(1).as_deref() {
        Some("requests") => requests::all().await?,
        Some("pages") => pages::all().await?,
        other => bail!("what is {other:?}? Say `requests` or `pages`"),
    };
    println!("{found}");
    Ok(())
}
