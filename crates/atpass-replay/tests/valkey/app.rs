//! An app and the nodes that it is sent to, as they are with HTTP around them.

use std::sync::Mutex;

use atpass_protocol::dpop::{self, DpopError, DpopProof, Expected, NonceKeeper, QueryPolicy};
use atpass_protocol::jose::PrivateKey;
use atpass_protocol::random::SystemRandom;
use atpass_protocol::secret::HmacKey;
use atpass_replay::{CheckedProof, ProofError, Proofs, ValkeyReplay};

use crate::START;

const URL: &str = "https://auth.example.com/oauth/token";

/// A node's nonces and memory. All nodes have the same key.
pub(crate) fn proofs(replay: ValkeyReplay) -> Proofs {
    let nonces = NonceKeeper::new(&HmacKey::new(&[1; 32]));
    Proofs::new(nonces, std::sync::Arc::new(replay))
}

/// A node reads a request's proof.
pub(crate) async fn check(node: &Proofs, proof: &str) -> Result<CheckedProof, ProofError> {
    let expected = Expected {
        method: "POST",
        url: URL,
        query: QueryPolicy::Refuse,
        access_token: None,
    };
    let verify =
        |nonces: &NonceKeeper| dpop::verify([Some(proof)].into_iter(), &expected, nonces, START);
    node.check(verify).await
}

/// A node answers a request.
pub(crate) async fn answer(node: &Proofs, proof: &str) -> Result<(), ProofError> {
    let checked = check(node, proof).await?;
    node.record(checked, START).await.map(drop)
}

/// Whether the app is asked to use another nonce.
pub(crate) fn wants_nonce(error: &ProofError) -> bool {
    matches!(error, ProofError::Refused(DpopError::Nonce(_)))
}

/// An app.
pub(crate) struct App {
    key: PrivateKey,
    nonce: Mutex<Option<String>>,
}

impl App {
    pub(crate) fn new() -> Self {
        Self {
            key: PrivateKey::generate().unwrap(),
            nonce: Mutex::default(),
        }
    }

    /// A new proof, with the nonce that it heard last.
    pub(crate) fn proof(&self) -> String {
        let nonce = self.nonce.lock().unwrap().clone();
        let proof = DpopProof {
            htm: "POST",
            htu: URL,
            nonce: nonce.as_deref(),
            access_token: None,
            iat: START,
        };
        proof.sign(&self.key, &SystemRandom).unwrap()
    }

    /// Hears the nonce of a node's answer.
    pub(crate) fn hear(&self, node: &Proofs) {
        if let Some(nonce) = node.next_nonce(START) {
            *self.nonce.lock().unwrap() = Some(nonce);
        }
    }

    /// Sends a request to the first node, and once more to the second where it is asked for another nonce.
    /// Returns the proof that was accepted, and how often it asked.
    pub(crate) async fn call(&self, nodes: [&Proofs; 2]) -> Result<(String, u8), ProofError> {
        let mut sent = 0;
        for node in nodes {
            sent += 1;
            let proof = self.proof();
            let answered = answer(node, &proof).await;
            self.hear(node);
            match answered {
                Ok(()) => return Ok((proof, sent)),
                Err(error) if sent == 1 && wants_nonce(&error) => {}
                Err(error) => return Err(error),
            }
        }
        unreachable!("the second answer is returned")
    }
}
