//! Creates the tables of the template where they are not there yet.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, DisplayErrorContext};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType, TimeToLiveSpecification,
};

use crate::template::{Index, KeyPair, TableModel};

/// A table that could not be created.
#[derive(Debug, thiserror::Error)]
#[error("the table {table} cannot be created: {reason}")]
pub struct TableError {
    table: String,
    reason: String,
}

/// Creates `model` unless it is there.
///
/// # Errors
/// [`TableError`].
pub async fn ensure(client: &Client, model: &TableModel) -> Result<(), TableError> {
    let failed = |reason: String| TableError { table: model.id.clone(), reason };
    let unbuilt = |error: BuildError| failed(error.to_string());
    let mut create = client
        .create_table()
        .table_name(&model.id)
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(schema(&model.keys).map_err(unbuilt)?));
    for (name, kind) in &model.attributes {
        let attribute = AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::from(kind.as_str()));
        create = create.attribute_definitions(attribute.build().map_err(unbuilt)?);
    }
    for each in &model.indexes {
        create = create.global_secondary_indexes(index(each).map_err(unbuilt)?);
    }
    match create.send().await {
        Ok(_) => {}
        Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_in_use_exception()) => {
            return Ok(());
        }
        Err(error) => return Err(failed(DisplayErrorContext(error).to_string())),
    }
    if let Some(attribute) = &model.ttl {
        let ttl =
            TimeToLiveSpecification::builder().attribute_name(attribute).enabled(true).build().map_err(unbuilt)?;
        let update = client.update_time_to_live().table_name(&model.id).time_to_live_specification(ttl);
        update.send().await.map_err(|error| failed(DisplayErrorContext(error).to_string()))?;
    }
    Ok(())
}

fn schema(keys: &KeyPair) -> Result<Vec<KeySchemaElement>, BuildError> {
    let key = |name: &String, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
    let hash = key(&keys.hash, KeyType::Hash);
    std::iter::once(hash).chain(keys.range.iter().map(|range| key(range, KeyType::Range))).collect()
}

fn index(index: &Index) -> Result<GlobalSecondaryIndex, BuildError> {
    let projection = Projection::builder().projection_type(ProjectionType::from(index.projection.as_str()));
    let included = (!index.included.is_empty()).then(|| index.included.clone());
    GlobalSecondaryIndex::builder()
        .index_name(&index.name)
        .set_key_schema(Some(schema(&index.keys)?))
        .projection(projection.set_non_key_attributes(included).build())
        .build()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use cloud::sdk::AwsConfig;
    use outbound::NoProbe;

    use super::*;
    use crate::database::Database;
    use crate::template::{TEMPLATE, Template};

    #[tokio::test]
    async fn the_table_is_made_from_the_template_and_still_there_the_next_time() {
        let folder = tempfile::tempdir().unwrap();
        let given =
            ["AllowedOrigins", "PublicUrl", "Issuer"].map(|name| (name.to_owned(), "https://h.example".to_owned()));
        let template = Template::parse(TEMPLATE, &BTreeMap::from(given)).unwrap();
        for _ in 0..2 {
            let database = Database::start(&folder.path().join("database.sqlite")).unwrap();
            let config = AwsConfig::local(format!("http://{}", database.address)).sdk_config(Arc::new(NoProbe));
            let client = Client::new(&config);
            ensure(&client, &template.tables[0]).await.unwrap();
            let table = client.describe_table().table_name("Table").send().await.unwrap().table.unwrap();
            let mut indexes: Vec<_> =
                table.global_secondary_indexes().iter().filter_map(|index| index.index_name()).collect();
            indexes.sort_unstable();
            assert_eq!(indexes, ["by_talent", "by_workspace", "due"]);
            let ttl = client.describe_time_to_live().table_name("Table").send().await.unwrap();
            assert_eq!(ttl.time_to_live_description.unwrap().attribute_name.as_deref(), Some("ttl"));
            drop(client);
            database.stop();
        }
    }
}
