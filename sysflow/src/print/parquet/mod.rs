// SPDX-License-Identifier: Apache-2.0
//! Events as Parquet. `docs/parquet.md` describes every column.

mod column;

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::Column;
use crate::resolve::ResolvedEvent;
use column::Builder;

/// The version of the columns in `docs/parquet.md`, in the metadata of files as `sysflow.columns`.
/// Columns that are added do not change it.
pub const COLUMNS_VERSION: &str = "1";

/// Rows and bytes gathered before they are encoded.
const BATCH_ROWS: usize = 4096;
const BATCH_BYTES: usize = 4 << 20;

/// Rows of a row group at most.
const GROUP_ROWS: usize = 128 * 1024;

/// Bytes that a row group may take in memory before it is written, even if it has fewer rows.
const GROUP_BYTES: usize = 48 << 20;

/// Writes events as the rows of a Parquet file, compressed with Snappy.
///
/// What is absent is null. Bytes are handed out at the end of each row group; a file without
/// [`finish`](Self::finish) cannot be read.
pub struct Parquet {
    schema: SchemaRef,
    columns: Vec<Column>,
    builders: Vec<Builder>,
    /// Of the rows in the builders.
    rows: usize,
    bytes: usize,
    written: u64,
    /// Encodes into memory that is emptied after each row group. None before the first row.
    writer: Option<ArrowWriter<Vec<u8>>>,
}

impl fmt::Debug for Parquet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parquet").field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl Parquet {
    /// Writes these columns, each once.
    #[must_use]
    pub fn new(all: &[Column]) -> Self {
        let mut columns: Vec<Column> = Vec::new();
        for &column in all {
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        let fields: Vec<_> = columns.iter().map(column::field).collect();
        let metadata = [("sysflow.columns".to_owned(), COLUMNS_VERSION.to_owned())];
        let schema = Schema::new_with_metadata(fields, metadata);
        Self {
            schema: Arc::new(schema),
            builders: columns.iter().map(Builder::new).collect(),
            columns,
            rows: 0,
            bytes: 0,
            written: 0,
            writer: None,
        }
    }

    /// The Arrow schema of the rows.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// Adds a row. Writes the row group if it is large enough.
    ///
    /// # Errors
    /// What `out` reports.
    pub fn write_event(
        &mut self,
        out: &mut impl Write,
        event: &ResolvedEvent<'_>,
    ) -> io::Result<()> {
        let row = self.written + self.rows as u64;
        for (column, builder) in self.columns.iter().zip(&mut self.builders) {
            self.bytes += builder.append(column.value(event, row));
        }
        self.rows += 1;
        if self.rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES {
            self.encode(out)?;
        }
        Ok(())
    }

    /// Encodes the rows gathered.
    fn encode(&mut self, out: &mut impl Write) -> io::Result<()> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(
                ArrowWriter::try_new(Vec::new(), self.schema.clone(), Some(properties()))
                    .map_err(io::Error::other)?,
            ),
        };
        if self.rows > 0 {
            let arrays = self.builders.iter_mut().map(Builder::finish).collect();
            let batch =
                RecordBatch::try_new(self.schema.clone(), arrays).map_err(io::Error::other)?;
            writer.write(&batch).map_err(io::Error::other)?;
        }
        self.written += self.rows as u64;
        (self.rows, self.bytes) = (0, 0);
        if writer.memory_size() >= GROUP_BYTES {
            writer.flush().map_err(io::Error::other)?;
        }
        drain(writer, out)
    }

    /// Writes the rest and the end of the file, without which it cannot be read.
    ///
    /// # Errors
    /// What `out` reports.
    pub fn finish(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.encode(out)?;
        let Some(writer) = &mut self.writer else { return Ok(()) };
        writer.finish().map_err(io::Error::other)?;
        drain(writer, out)
    }

    /// Rows so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.written + self.rows as u64
    }
}

fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_created_by(concat!("sysflow ", env!("CARGO_PKG_VERSION")).to_owned())
        .build()
}

/// Hands out what was encoded.
fn drain(writer: &mut ArrowWriter<Vec<u8>>, out: &mut impl Write) -> io::Result<()> {
    writer.sync()?;
    let encoded = writer.inner_mut();
    out.write_all(encoded)?;
    encoded.clear();
    Ok(())
}
