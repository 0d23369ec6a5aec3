// SPDX-License-Identifier: Apache-2.0
//! Attributes as columns of Arrow arrays.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{
    BooleanBuilder, Int64Builder, ListBuilder, StringBuilder, TimestampNanosecondBuilder,
};
use arrow_schema::{DataType, Field, TimeUnit};

use crate::attribute::{Type, Value};
use crate::print::Column;

/// Columns that have a value in each row.
const REQUIRED: &[&str] = &["idx", "version", "type", "ts", "ts_uts"];

const UTC: &str = "UTC";

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Int,
    Time,
    Bool,
    Text,
    Ints,
    Texts,
}

impl Shape {
    fn of(column: &Column) -> Self {
        let Column::Attribute(attribute) = column else { return Self::Int };
        match attribute.kind {
            // Named as a number of nanoseconds.
            Type::Time if attribute.name.ends_with("_uts") => Self::Int,
            Type::Time => Self::Time,
            Type::Boolean => Self::Bool,
            // A number, although expressions ask for names.
            Type::OpenFlags => Self::Int,
            Type::Integer if attribute.many => Self::Ints,
            Type::Integer | Type::Protocol => Self::Int,
            Type::Operations => Self::Texts,
            Type::Text | Type::Symbol(_) | Type::Address if attribute.many => Self::Texts,
            Type::Text | Type::Symbol(_) | Type::Address => Self::Text,
        }
    }

    fn data_type(self) -> DataType {
        match self {
            Self::Int => DataType::Int64,
            Self::Time => DataType::Timestamp(TimeUnit::Nanosecond, Some(UTC.into())),
            Self::Bool => DataType::Boolean,
            Self::Text => DataType::Utf8,
            Self::Ints => DataType::List(item(DataType::Int64)),
            Self::Texts => DataType::List(item(DataType::Utf8)),
        }
    }
}

/// Lists have no absent items.
fn item(of: DataType) -> Arc<Field> {
    Arc::new(Field::new("item", of, false))
}

/// Name, type and nullability.
pub(super) fn field(column: &Column) -> Field {
    let name = column.name();
    Field::new(name, Shape::of(column).data_type(), !REQUIRED.contains(&name))
}

/// The values of a column, row by row.
pub(super) enum Builder {
    Int(Int64Builder),
    Time(TimestampNanosecondBuilder),
    Bool(BooleanBuilder),
    Text(StringBuilder),
    Ints(ListBuilder<Int64Builder>),
    Texts(ListBuilder<StringBuilder>, String),
}

impl Builder {
    pub(super) fn new(column: &Column) -> Self {
        match Shape::of(column) {
            Shape::Int => Self::Int(Int64Builder::new()),
            Shape::Time => Self::Time(TimestampNanosecondBuilder::new().with_timezone(UTC)),
            Shape::Bool => Self::Bool(BooleanBuilder::new()),
            Shape::Text => Self::Text(StringBuilder::new()),
            Shape::Ints => {
                Self::Ints(ListBuilder::new(Int64Builder::new()).with_field(item(DataType::Int64)))
            }
            Shape::Texts => Self::Texts(
                ListBuilder::new(StringBuilder::new()).with_field(item(DataType::Utf8)),
                String::new(),
            ),
        }
    }

    /// Adds the value of a row. Returns about how many bytes that took.
    pub(super) fn append(&mut self, value: Value<'_>) -> usize {
        match self {
            Self::Int(builder) => builder.append_option(number(value)),
            Self::Time(builder) => builder.append_option(number(value)),
            Self::Bool(builder) => builder.append_option(match value {
                Value::Bool(truth) => Some(truth),
                _ => None,
            }),
            Self::Text(builder) => return append_text(builder, value),
            Self::Ints(builder) => {
                let mut count = 0;
                value.any(&mut |value| {
                    builder.values().append_value(number(value).unwrap_or_default());
                    count += 1;
                    false
                });
                builder.append(!matches!(value, Value::Absent));
                return 8 * (count + 1);
            }
            Self::Texts(builder, text) => {
                let mut bytes = 8;
                value.any(&mut |value| {
                    text.clear();
                    // Writing to a string does not fail.
                    let _ = write!(text, "{value}");
                    builder.values().append_value(&text);
                    bytes += text.len() + 8;
                    false
                });
                builder.append(!matches!(value, Value::Absent));
                return bytes;
            }
        }
        8
    }

    /// The values, which are forgotten here.
    pub(super) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Int(builder) => Arc::new(builder.finish()),
            Self::Time(builder) => Arc::new(builder.finish()),
            Self::Bool(builder) => Arc::new(builder.finish()),
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Ints(builder) => Arc::new(builder.finish()),
            Self::Texts(builder, _) => Arc::new(builder.finish()),
        }
    }
}

fn append_text(builder: &mut StringBuilder, value: Value<'_>) -> usize {
    match value {
        Value::Absent => {
            builder.append_null();
            8
        }
        Value::Text(text) => {
            builder.append_value(text);
            text.len() + 8
        }
        value => {
            let before = builder.values_slice().len();
            // What is written to the builder is the value that is appended next.
            let _ = write!(builder, "{value}");
            builder.append_value("");
            builder.values_slice().len() - before + 8
        }
    }
}

fn number(value: Value<'_>) -> Option<i64> {
    match value {
        Value::Int(number) | Value::Time(number) => Some(number),
        Value::OpenFlags(flags) => Some(flags.bits().into()),
        _ => None,
    }
}
