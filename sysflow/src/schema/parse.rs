// SPDX-License-Identifier: Apache-2.0
//! The schema that a file brings along, as far as decoding needs it: names, order and binary forms.
//! Documentation, defaults and logical types do not change the bytes and are ignored.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

/// Deeper nesting than any schema of ours has; it bounds the recursion of everything that follows.
const DEPTH: usize = 32;

/// The binary form of a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Type {
    Null,
    Bool,
    Int,
    Long,
    Float,
    Double,
    /// `string` or `bytes`.
    Text,
    Fixed(usize),
    Enum(Arc<[String]>),
    Array(Arc<Type>),
    Map(Arc<Type>),
    Union(Arc<[Type]>),
    Record(Arc<RecordType>),
}

/// A record of a writer's schema.
#[derive(Debug, PartialEq)]
pub(crate) struct RecordType {
    /// Name without namespace.
    pub(crate) name: String,
    /// Fields that have bytes. Those without carry nothing, and passing over a million of them in
    /// every record would cost time that the size of the data does not bound.
    pub(crate) fields: Vec<(String, Type)>,
    depth: usize,
}

impl Type {
    /// Levels of nesting.
    fn depth(&self) -> usize {
        match self {
            Self::Array(item) | Self::Map(item) => 1 + item.depth(),
            Self::Union(branches) => 1 + branches.iter().map(Self::depth).max().unwrap_or(0),
            Self::Record(record) => record.depth,
            _ => 0,
        }
    }

    /// Whether every value has no bytes.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Null | Self::Fixed(0) => true,
            Self::Record(record) => record.fields.is_empty(),
            _ => false,
        }
    }

    /// What to call it in a message.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Null => "null",
            Self::Bool => "boolean",
            Self::Int => "int",
            Self::Long => "long",
            Self::Float => "float",
            Self::Double => "double",
            Self::Text => "string",
            Self::Fixed(_) => "fixed",
            Self::Enum(_) => "enum",
            Self::Array(_) => "array",
            Self::Map(_) => "map",
            Self::Union(_) => "union",
            Self::Record(record) => &record.name,
        }
    }
}

/// Reads a schema.
///
/// # Errors
/// What is wrong with it, for the user.
pub(crate) fn parse(json: &str) -> Result<Type, String> {
    let value: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    Parser::default().parse(&value, "")
}

#[derive(Default)]
struct Parser {
    /// Named types by full name. A type enters when it is complete, so a recursive schema, which
    /// SysFlow never had, refers to a name that is not there.
    named: HashMap<String, Type>,
}

impl Parser {
    fn parse(&mut self, value: &Value, namespace: &str) -> Result<Type, String> {
        let parsed = match value {
            Value::String(name) => self.by_name(name, namespace)?,
            Value::Array(branches) => {
                let branches: Result<Vec<_>, _> =
                    branches.iter().map(|branch| self.parse(branch, namespace)).collect();
                Type::Union(branches?.into())
            }
            Value::Object(object) => self.object(object, namespace)?,
            _ => return Err("a type is neither name, list nor object".to_owned()),
        };
        if parsed.depth() > DEPTH {
            return Err(format!("more than {DEPTH} levels of nesting"));
        }
        Ok(parsed)
    }

    fn by_name(&self, name: &str, namespace: &str) -> Result<Type, String> {
        Ok(match name {
            "null" => Type::Null,
            "boolean" => Type::Bool,
            "int" => Type::Int,
            "long" => Type::Long,
            "float" => Type::Float,
            "double" => Type::Double,
            "string" | "bytes" => Type::Text,
            _ => {
                let full = full_name(name, namespace);
                let found = self.named.get(&full).or_else(|| self.named.get(name));
                found
                    .cloned()
                    .ok_or_else(|| format!("type {full} is not defined before its use"))?
            }
        })
    }

    fn object(&mut self, object: &Map<String, Value>, outer: &str) -> Result<Type, String> {
        let kind = match object.get("type") {
            Some(Value::String(kind)) => kind.as_str(),
            Some(nested) => return self.parse(nested, outer),
            None => return Err("an object without type".to_owned()),
        };
        match kind {
            "array" => Ok(Type::Array(Arc::new(self.parse(member(object, "items")?, outer)?))),
            "map" => Ok(Type::Map(Arc::new(self.parse(member(object, "values")?, outer)?))),
            "record" | "enum" | "fixed" => self.named(kind, object, outer),
            primitive => self.by_name(primitive, outer),
        }
    }

    fn named(
        &mut self,
        kind: &str,
        object: &Map<String, Value>,
        outer: &str,
    ) -> Result<Type, String> {
        let name = text(object, "name")?;
        let own = object.get("namespace").and_then(Value::as_str).unwrap_or(outer);
        let full = full_name(name, own);
        let (namespace, short) = full.rsplit_once('.').unwrap_or(("", &full));
        let parsed = match kind {
            "record" => self.record(short, object, namespace)?,
            "enum" => {
                let symbols: Option<Arc<[String]>> = list(object, "symbols")?
                    .iter()
                    .map(|symbol| symbol.as_str().map(str::to_owned))
                    .collect();
                Type::Enum(symbols.ok_or("a symbol is not a string")?)
            }
            _ => {
                let size = member(object, "size")?.as_u64();
                let size = size.and_then(|size| usize::try_from(size).ok());
                Type::Fixed(size.ok_or("a size is not a number")?)
            }
        };
        self.named.insert(full, parsed.clone());
        Ok(parsed)
    }

    fn record(
        &mut self,
        name: &str,
        object: &Map<String, Value>,
        namespace: &str,
    ) -> Result<Type, String> {
        let mut fields = Vec::new();
        for field in list(object, "fields")? {
            let field = field.as_object().ok_or("a field is not an object")?;
            let parsed = self.parse(member(field, "type")?, namespace)?;
            if !parsed.is_empty() {
                fields.push((text(field, "name")?.to_owned(), parsed));
            }
        }
        let depth = 1 + fields.iter().map(|(_, field)| field.depth()).max().unwrap_or(0);
        Ok(Type::Record(Arc::new(RecordType { name: name.to_owned(), fields, depth })))
    }
}

fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() {
        name.to_owned()
    } else {
        format!("{namespace}.{name}")
    }
}

fn member<'a>(object: &'a Map<String, Value>, key: &str) -> Result<&'a Value, String> {
    object.get(key).ok_or_else(|| format!("an object without {key}"))
}

fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Result<&'a str, String> {
    member(object, key)?.as_str().ok_or_else(|| format!("a {key} that is not a string"))
}

fn list<'a>(object: &'a Map<String, Value>, key: &str) -> Result<&'a [Value], String> {
    let list = member(object, key)?.as_array().map(Vec::as_slice);
    list.ok_or_else(|| format!("{key} that are not a list"))
}
