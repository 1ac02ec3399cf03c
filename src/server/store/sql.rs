//! A query whose text depends on what is asked. Values are bound, never written into the text.
//! (The library's own builder writes `?` for [`Any`], which PostgreSQL cannot read.)

use std::fmt::{Display, Write};

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{Any, AnyConnection, Arguments, AssertSqlSafe, Encode, FromRow, Type};

use super::StoreError;

/// A text in the making, and the values bound so far.
pub(in crate::server) struct Sql {
    text: String,
    values: AnyArguments,
    broken: Option<sqlx::Error>,
}

impl Sql {
    pub(in crate::server) fn new(text: &str) -> Sql {
        Sql { text: text.to_owned(), values: AnyArguments::default(), broken: None }
    }

    /// Adds words of our own. Never of a caller's.
    pub(in crate::server) fn push(&mut self, words: impl Display) -> &mut Sql {
        let _ = write!(self.text, "{words}");
        self
    }

    /// Adds a placeholder for a value.
    pub(in crate::server) fn push_bind<'v>(&mut self, value: impl Encode<'v, Any> + Type<Any>) -> &mut Sql {
        if let Err(error) = self.values.add(value) {
            self.broken = Some(sqlx::Error::Encode(error));
        }
        let number = self.values.len();
        self.push(format_args!("${number}"))
    }

    /// Adds placeholders for all of these, with commas between.
    pub(in crate::server) fn push_list<'v, T: Encode<'v, Any> + Type<Any>>(&mut self, values: impl IntoIterator<Item = T>) -> &mut Sql {
        for (index, value) in values.into_iter().enumerate() {
            self.push(if index == 0 { "" } else { ", " }).push_bind(value);
        }
        self
    }

    /// Runs it for what it changes.
    pub(in crate::server) async fn execute(self, connection: &mut AnyConnection) -> Result<u64, StoreError> {
        match self.broken {
            Some(error) => Err(error.into()),
            None => Ok(sqlx::query_with(AssertSqlSafe(self.text), self.values).execute(connection).await?.rows_affected()),
        }
    }

    /// All rows it finds.
    pub(in crate::server) async fn fetch_all<T>(self, pool: &sqlx::AnyPool) -> Result<Vec<T>, StoreError>
    where
        T: for<'r> FromRow<'r, AnyRow> + Send + Unpin,
    {
        match self.broken {
            Some(error) => Err(error.into()),
            None => Ok(sqlx::query_as_with(AssertSqlSafe(self.text), self.values).fetch_all(pool).await?),
        }
    }
}
