//! Data keys by AWS KMS.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_kms::Client;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::DataKeySpec;
use secrecy::zeroize::Zeroize;

use super::{DataKey, EncryptionContext, KeyService, PlainKey, VaultError};

/// A KMS key. Its policy can demand the context's names, and CloudTrail records the context of every call.
#[derive(Debug, Clone)]
pub struct KmsKeys {
    client: Client,
    key_id: String,
}

impl KmsKeys {
    /// The KMS key `key_id` (`HERALD_KMS_KEY`: an ARN or an id). KMS replaces the key's material by itself and still
    /// reads what the older material wrapped.
    #[must_use]
    pub fn new(client: Client, key_id: String) -> Self {
        Self { client, key_id }
    }
}

#[async_trait]
impl KeyService for KmsKeys {
    async fn generate(&self, context: &EncryptionContext) -> Result<DataKey, VaultError> {
        let answer = self
            .client
            .generate_data_key()
            .key_id(&self.key_id)
            .key_spec(DataKeySpec::Aes256)
            .set_encryption_context(Some(encryption_context(context)))
            .send()
            .await
            .map_err(|error| unavailable(&error))?;
        match (answer.plaintext, answer.ciphertext_blob) {
            (Some(plain), Some(wrapped)) => {
                let plain = plain_key(plain).ok_or_else(|| incomplete("a data key of another length"))?;
                Ok(DataKey { plain, wrapped: wrapped.into_inner() })
            }
            _ => Err(incomplete("no data key in the answer")),
        }
    }

    async fn unwrap(&self, context: &EncryptionContext, wrapped: &[u8]) -> Result<PlainKey, VaultError> {
        let answer = self
            .client
            .decrypt()
            // Naming the key keeps KMS from opening what any other key of the account wrapped.
            .key_id(&self.key_id)
            .ciphertext_blob(Blob::new(wrapped))
            .set_encryption_context(Some(encryption_context(context)))
            .send()
            .await;
        match answer {
            Ok(answer) => answer.plaintext.and_then(plain_key).ok_or(VaultError::Corrupt("not a data key")),
            Err(error) => Err(match error.as_service_error() {
                Some(refusal) if refusal.is_invalid_ciphertext_exception() || refusal.is_incorrect_key_exception() => {
                    VaultError::Corrupt("the data key was changed, or wrapped for another owner or by another key")
                }
                // A key that is disabled, or a right that is missing, can be given back.
                _ => unavailable(&error),
            }),
        }
    }

    fn key_version(&self) -> &str {
        &self.key_id
    }
}

/// In place of a key, in a function that was given none: its role could not use one.
#[derive(Debug, Clone, Copy)]
pub struct NoKeys;

#[async_trait]
impl KeyService for NoKeys {
    async fn generate(&self, _: &EncryptionContext) -> Result<DataKey, VaultError> {
        Err(VaultError::Unavailable(NO_KEY.to_owned()))
    }

    async fn unwrap(&self, _: &EncryptionContext, _: &[u8]) -> Result<PlainKey, VaultError> {
        Err(VaultError::Unavailable(NO_KEY.to_owned()))
    }

    fn key_version(&self) -> &str {
        ""
    }
}

const NO_KEY: &str = "this function was given no key (HERALD_KMS_KEY)";

fn encryption_context(context: &EncryptionContext) -> HashMap<String, String> {
    context.pairs().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn plain_key(blob: Blob) -> Option<PlainKey> {
    let mut bytes = blob.into_inner();
    let key = PlainKey::from_slice(&bytes);
    bytes.zeroize();
    key
}

fn incomplete(what: &str) -> VaultError {
    VaultError::Unavailable(what.to_owned())
}

fn unavailable<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> VaultError {
    // KMS's messages can repeat the request; the code says enough.
    VaultError::Unavailable(match error.code() {
        Some(code) => code.to_owned(),
        None => match error {
            SdkError::TimeoutError(_) => "no answer in time".to_owned(),
            SdkError::DispatchFailure(_) => "no connection".to_owned(),
            _ => "an unreadable answer".to_owned(),
        },
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use outbound::NoProbe;
    use serde_json::{Value, json};

    use super::*;
    use crate::sdk::AwsConfig;
    use crate::testing::Stage;

    async fn kms(status: u16, answer: Value) -> (KmsKeys, Stage) {
        let stage = Stage::new(move |_| (status, answer.to_string())).await;
        let config = AwsConfig::local(stage.origin.clone()).sdk_config(Arc::new(NoProbe));
        // One attempt: the retries of the SDK would only make the refusals of these tests slow.
        let config =
            aws_sdk_kms::config::Builder::from(&config).retry_config(aws_smithy_types::retry::RetryConfig::disabled());
        (KmsKeys::new(Client::from_conf(config.build()), "arn:aws:kms:us-east-1:1:key/k".to_owned()), stage)
    }

    fn context() -> EncryptionContext {
        EncryptionContext::for_subject("acme", "state")
    }

    #[tokio::test]
    async fn a_data_key_is_asked_for_with_its_owner() {
        let (keys, stage) =
            kms(200, json!({"Plaintext": STANDARD.encode([7; 32]), "CiphertextBlob": STANDARD.encode("wrapped")}))
                .await;
        let key = keys.generate(&context()).await.unwrap();
        assert_eq!((key.plain.expose(), key.wrapped.as_slice()), (&[7; 32], b"wrapped".as_slice()));
        let sent = stage.sent();
        assert_eq!(sent[0].target, "TrentService.GenerateDataKey");
        assert_eq!(
            serde_json::from_str::<Value>(&sent[0].body).unwrap(),
            json!({
                "KeyId": "arn:aws:kms:us-east-1:1:key/k",
                "KeySpec": "AES_256",
                "EncryptionContext": {"workspace": "acme", "connection": "subject#state"},
            })
        );
    }

    #[tokio::test]
    async fn a_data_key_is_unwrapped_for_its_owner_by_the_named_key_only() {
        let (keys, stage) = kms(200, json!({"Plaintext": STANDARD.encode([7; 32])})).await;
        assert_eq!(keys.unwrap(&context(), b"wrapped").await.unwrap().expose(), &[7; 32]);
        assert_eq!(
            serde_json::from_str::<Value>(&stage.sent()[0].body).unwrap(),
            json!({
                "KeyId": "arn:aws:kms:us-east-1:1:key/k",
                "CiphertextBlob": STANDARD.encode("wrapped"),
                "EncryptionContext": {"workspace": "acme", "connection": "subject#state"},
            })
        );
    }

    #[tokio::test]
    async fn a_refusal_that_never_changes_is_told_from_one_that_may_pass() {
        for (status, code, never_passes) in [
            (400, "InvalidCiphertextException", true),
            (400, "IncorrectKeyException", true),
            (400, "DisabledException", false),
            (400, "AccessDeniedException", false),
            (400, "ThrottlingException", false),
            (500, "KMSInternalException", false),
        ] {
            let (keys, _stage) = kms(status, json!({"__type": code})).await;
            let error = keys.unwrap(&context(), b"wrapped").await.unwrap_err();
            assert_eq!(matches!(error, VaultError::Corrupt(_)), never_passes, "{code}: {error}");
        }
        let (keys, _stage) = kms(200, json!({"Plaintext": STANDARD.encode([7; 16])})).await;
        assert!(matches!(keys.unwrap(&context(), b"wrapped").await, Err(VaultError::Corrupt(_))));
        assert!(matches!(keys.generate(&context()).await, Err(VaultError::Unavailable(_))));
    }
}
