//! Tokens whose signature has been verified: a bearer shows the same one with every request, and the signature is most of what a
//! proof costs.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use domain::Caller;
use jiff::Timestamp;
use ring::digest::{SHA256, digest};

use super::error::AuthError;
use super::jwt::Lifetime;

/// How many tokens are remembered.
const MOST: usize = 1_000;

/// A token's SHA-256, which stands for the whole of it: head, claims and signature.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub(super) fn of(token: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }
}

/// What a token proved.
#[derive(Clone)]
pub(super) struct Proof {
    /// Who its bearer is.
    pub(super) caller: Caller,
    /// When that holds; asked at each use.
    pub(super) lifetime: Lifetime,
}

/// The proofs by one key set. They belong to it: with the set, all of them are forgotten.
#[derive(Default)]
pub(super) struct Proofs(Mutex<HashMap<Fingerprint, Proof>>);

impl Proofs {
    /// Who the bearer of a known token is; `None` for an unknown one.
    pub(super) fn caller(&self, token: &Fingerprint, now: Timestamp) -> Option<Result<Caller, AuthError>> {
        let proofs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let proof = proofs.get(token)?;
        Some(proof.lifetime.check(now).map(|()| proof.caller.clone()))
    }

    /// Remembers what a token proved.
    pub(super) fn keep(&self, token: Fingerprint, proof: Proof, now: Timestamp) {
        let mut proofs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if proofs.len() >= MOST {
            proofs.retain(|_, proof| proof.lifetime.check(now).is_ok());
        }
        if proofs.len() >= MOST {
            // Any of them: whoever comes back pays for one signature.
            let one = proofs.keys().next().copied();
            one.and_then(|one| proofs.remove(&one));
        }
        proofs.insert(token, proof);
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

#[cfg(test)]
mod tests {
    use domain::{Role, SubjectId, WorkspaceId};
    use jiff::SignedDuration;
    use serde_json::json;

    use super::*;

    fn proof(subject: &str, expires: i64) -> Proof {
        let claims = json!({ "exp": expires });
        Proof {
            caller: Caller {
                workspace: WorkspaceId::parse("w").unwrap(),
                subject: SubjectId::parse(subject).unwrap(),
                role: Role::Admin,
                talent: None,
            },
            lifetime: Lifetime::read(claims.as_object().unwrap()).unwrap(),
        }
    }

    #[test]
    fn a_full_memory_forgets_the_expired_first_and_never_grows() {
        let (proofs, now) = (Proofs::default(), Timestamp::from_second(1_000_000).unwrap());
        let token = |n: usize| Fingerprint::of(&n.to_string());
        for n in 0..MOST {
            let expires = if n % 2 == 0 { 1_000_010 } else { 2_000_000 };
            proofs.keep(token(n), proof(&n.to_string(), expires), now);
        }
        assert_eq!(proofs.len(), MOST);
        let later = now.checked_add(SignedDuration::from_mins(1)).unwrap();
        proofs.keep(token(MOST), proof("next", 2_000_000), later);
        assert_eq!(proofs.len(), MOST / 2 + 1);
        for n in 0..2 * MOST {
            proofs.keep(token(2 * MOST + n), proof("flood", 2_000_000), later);
        }
        assert_eq!(proofs.len(), MOST);
        let last = proofs.caller(&token(4 * MOST - 1), later).unwrap().unwrap();
        assert_eq!(last.subject.as_str(), "flood");
    }
}
