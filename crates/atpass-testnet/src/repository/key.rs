//! Keys of repositories, and signatures in both forms.

use anyhow::Context;
use aws_lc_rs::encoding::{AsBigEndian, EcPublicKeyCompressedBin};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P256K1_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
};
use data_encoding::HEXLOWER;

/// The key of a repository, of one of the network's two curves.
pub struct RepositoryKey {
    pair: EcdsaKeyPair,
    prefix: [u8; 2],
    /// The order of the curve.
    order: [u8; 32],
}

impl RepositoryKey {
    /// A new key on P-256.
    pub fn p256() -> anyhow::Result<Self> {
        Ok(Self {
            pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?,
            prefix: [0x80, 0x24],
            order: hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")?,
        })
    }

    /// A new key on K-256.
    pub fn k256() -> anyhow::Result<Self> {
        Ok(Self {
            pair: EcdsaKeyPair::generate(&ECDSA_P256K1_SHA256_FIXED_SIGNING)?,
            prefix: [0xe7, 0x01],
            order: hex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")?,
        })
    }

    /// The public half, as in a `Multikey`.
    pub fn multibase(&self) -> anyhow::Result<String> {
        let point: EcPublicKeyCompressedBin<'_> = self.pair.public_key().as_be_bytes()?;
        let key = [&self.prefix[..], point.as_ref()].concat();
        Ok(format!("z{}", bs58::encode(key).into_string()))
    }

    /// A signature in low-S form, as the network demands.
    pub fn sign(&self, message: &[u8]) -> anyhow::Result<[u8; 64]> {
        let signature = self.pair.sign(&SystemRandom::new(), message)?;
        let signature = signature.as_ref().try_into().context("64 bytes")?;
        let other = self.other(signature);
        let is_low = signature.last_chunk::<32>() <= other.last_chunk();
        Ok(if is_low { signature } else { other })
    }

    /// The same signature in the form that the network refuses.
    pub fn sign_high(&self, message: &[u8]) -> anyhow::Result<[u8; 64]> {
        let low = self.sign(message)?;
        Ok(self.other(low))
    }

    /// The signature with the other S, which is as good to mathematics.
    fn other(&self, mut signature: [u8; 64]) -> [u8; 64] {
        let mut borrow = false;
        let s = signature.iter_mut().skip(32);
        for (byte, order) in s.zip(self.order).rev() {
            let (less, first) = order.overflowing_sub(*byte);
            let (less, second) = less.overflowing_sub(u8::from(borrow));
            (*byte, borrow) = (less, first || second);
        }
        signature
    }
}

fn hex(text: &str) -> anyhow::Result<[u8; 32]> {
    let bytes = HEXLOWER.decode(text.as_bytes())?;
    bytes.as_slice().try_into().context("32 bytes")
}
