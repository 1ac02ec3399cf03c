//! Tokens to conditions: `or` binds weakest, then `and`, then `not`.

use super::lexer::{Placed, Token, tokens};
use super::literal::value;
use super::{Condition, Field, Kind, MAX_DEPTH, MAX_TERMS, ODataError, Operator, Order, TextFunction, Value};

const OPERATORS: &[(&str, Operator)] =
    &[("eq", Operator::Eq), ("ne", Operator::Ne), ("lt", Operator::Lt), ("le", Operator::Le), ("gt", Operator::Gt), ("ge", Operator::Ge)];
const FUNCTIONS: &[(&str, TextFunction)] =
    &[("contains", TextFunction::Contains), ("startswith", TextFunction::StartsWith), ("endswith", TextFunction::EndsWith)];

/// Reads a `$filter`.
pub(in crate::server) fn parse_filter(text: &str) -> Result<Condition, ODataError> {
    let mut parser = Parser::new(text)?;
    let condition = parser.any(0)?;
    parser.end()?;
    Ok(condition)
}

/// Reads an `$orderby`: `start desc, serialNumber`.
pub(in crate::server) fn parse_order(text: &str) -> Result<Vec<Order>, ODataError> {
    let mut parser = Parser::new(text)?;
    let mut order = Vec::new();
    loop {
        let field = parser.field()?;
        let descending = parser.takes_word("desc");
        if !descending {
            parser.takes_word("asc");
        }
        order.push(Order { field, descending });
        if order.len() > 8 {
            return Err(parser.error("more than eight fields"));
        }
        if !parser.takes(&Token::Comma) {
            break;
        }
    }
    parser.end()?;
    Ok(order)
}

struct Parser {
    tokens: Vec<Placed>,
    next: usize,
    terms: usize,
    /// One past the last character.
    length: usize,
}

impl Parser {
    fn new(text: &str) -> Result<Parser, ODataError> {
        Ok(Parser { tokens: tokens(text)?, next: 0, terms: 0, length: text.chars().count() + 1 })
    }

    fn any(&mut self, depth: usize) -> Result<Condition, ODataError> {
        let mut left = self.all(depth)?;
        while self.takes_word("or") {
            left = Condition::Or(Box::new(left), Box::new(self.all(depth)?));
        }
        Ok(left)
    }

    fn all(&mut self, depth: usize) -> Result<Condition, ODataError> {
        let mut left = self.one(depth)?;
        while self.takes_word("and") {
            left = Condition::And(Box::new(left), Box::new(self.one(depth)?));
        }
        Ok(left)
    }

    fn one(&mut self, depth: usize) -> Result<Condition, ODataError> {
        if depth > MAX_DEPTH {
            return Err(self.error(&format!("more than {MAX_DEPTH} levels inside each other")));
        }
        if self.takes_word("not") {
            return Ok(Condition::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.takes(&Token::Open) {
            let inner = self.any(depth + 1)?;
            self.expect(&Token::Close, "a closing parenthesis is missing")?;
            return Ok(inner);
        }
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(self.error(&format!("more than {MAX_TERMS} comparisons")));
        }
        let function = FUNCTIONS.iter().find(|(name, _)| self.takes_word(name)).map(|(_, function)| *function);
        match function {
            Some(function) => self.call(function),
            None => self.comparison(),
        }
    }

    fn call(&mut self, function: TextFunction) -> Result<Condition, ODataError> {
        self.expect(&Token::Open, "an opening parenthesis is missing")?;
        let field = self.field()?;
        if field.kind() != Kind::Text || field == Field::Id {
            self.next -= 1;
            return Err(self.error("this field is not a text"));
        }
        self.expect(&Token::Comma, "a comma is missing")?;
        let Some((_, Token::Text(text))) = self.tokens.get(self.next).cloned() else {
            return Err(self.error("a text in single quotes is missing"));
        };
        self.next += 1;
        self.expect(&Token::Close, "a closing parenthesis is missing")?;
        Ok(Condition::Text(function, field, text))
    }

    fn comparison(&mut self) -> Result<Condition, ODataError> {
        let field = self.field()?;
        let Some(operator) = OPERATORS.iter().find(|(name, _)| self.takes_word(name)).map(|(_, operator)| *operator) else {
            return Err(self.error("a comparison is missing: eq, ne, lt, le, gt or ge"));
        };
        self.skip_prefix();
        let Some((_, token)) = self.tokens.get(self.next) else { return Err(self.error("a value is missing")) };
        let value = value(field, token).map_err(|what| self.error(what))?;
        if value == Value::Null && !matches!(operator, Operator::Eq | Operator::Ne) {
            return Err(self.error("null can only be compared by eq and ne"));
        }
        self.next += 1;
        Ok(Condition::Compare(field, operator, value))
    }

    /// `datetime'…'` and `guid'…'` of older OData: the text tells enough.
    fn skip_prefix(&mut self) {
        let prefix = |token: Option<&Placed>| match token {
            Some((at, Token::Word(word))) => {
                ["datetime", "datetimeoffset", "guid"].iter().any(|known| word.eq_ignore_ascii_case(known)).then_some(at + word.len())
            }
            _ => None,
        };
        let quote = |token: Option<&Placed>| matches!(token, Some((_, Token::Text(_)))).then(|| token.map(|(at, _)| *at)).flatten();
        let end = prefix(self.tokens.get(self.next));
        if end.is_some() && end == quote(self.tokens.get(self.next + 1)) {
            self.next += 1;
        }
    }

    fn field(&mut self) -> Result<Field, ODataError> {
        let Some((_, Token::Word(word))) = self.tokens.get(self.next) else { return Err(self.error("a field is missing")) };
        if word.contains('/') {
            return Err(self.error("conditions on parts of a report, such as subUnits/any, are not supported yet"));
        }
        let Some(field) = Field::find(word) else {
            let word: String = word.chars().take(60).collect();
            return Err(self.error(&format!("{word:?} is not a field that reports can be searched by")));
        };
        self.next += 1;
        Ok(field)
    }

    fn takes(&mut self, token: &Token) -> bool {
        let found = self.tokens.get(self.next).is_some_and(|(_, next)| next == token);
        self.next += usize::from(found);
        found
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.next), Some((_, Token::Word(next))) if next.eq_ignore_ascii_case(word));
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, token: &Token, what: &str) -> Result<(), ODataError> {
        if self.takes(token) { Ok(()) } else { Err(self.error(what)) }
    }

    fn end(&self) -> Result<(), ODataError> {
        if self.next == self.tokens.len() { Ok(()) } else { Err(self.error("nothing was expected here any more")) }
    }

    /// At the next token, or after the end.
    fn error(&self, what: &str) -> ODataError {
        ODataError { at: self.tokens.get(self.next).map_or(self.length, |(at, _)| *at), what: what.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use proptest::prelude::*;

    fn compare(field: Field, operator: Operator, text: &str) -> Box<Condition> {
        Box::new(Condition::Compare(field, operator, Value::Text(text.to_owned())))
    }

    #[test]
    fn and_binds_stronger_than_or_and_not_strongest() {
        let parsed = parse_filter("serialNumber eq 'a' or not partNumber eq 'b' and revision ne 'c'").unwrap();
        let not = Box::new(Condition::Not(compare(Field::PartNumber, Operator::Eq, "b")));
        let right = Condition::And(not, compare(Field::Revision, Operator::Ne, "c"));
        assert_eq!(parsed, Condition::Or(compare(Field::SerialNumber, Operator::Eq, "a"), Box::new(right)));
        let grouped = parse_filter("(serialNumber eq 'a' or partNumber eq 'b') and revision ne 'c'").unwrap();
        assert!(matches!(grouped, Condition::And(..)));
    }

    #[test]
    fn values_have_the_kind_of_their_field() {
        let value = |text: &str| match parse_filter(text) {
            Ok(Condition::Compare(_, _, value)) => value,
            other => panic!("{text}: {other:?}"),
        };
        let time = DateTime::from_timestamp(1_769_903_999, 0).unwrap();
        assert_eq!(value("serialNumber eq 'O''Brien'"), Value::Text("O'Brien".to_owned()));
        assert_eq!(value("processCode eq 100"), Value::Number(100.0));
        assert_eq!(value("executionTime gt -1.5e3"), Value::Number(-1500.0));
        for text in [
            "2026-01-31T23:59:59Z",
            "2026-02-01T00:59:59+01:00",
            "2026-01-31T23:59:59",
            "'2026-01-31T23:59:59Z'",
            "datetime'2026-01-31T23:59:59'",
        ] {
            assert_eq!(value(&format!("start ge {text}")), Value::Time(time), "{text}");
        }
        assert_eq!(value("RESULT EQ 'p'"), Value::Text("Passed".to_owned()));
        assert_eq!(value("errorCode eq null"), Value::Null);
        let id = "5f0c2f1e-6a3b-4a55-9d0e-2f6f4c1b7a10";
        for text in [id.to_owned(), format!("'{id}'"), format!("guid'{}'", id.to_uppercase())] {
            assert_eq!(value(&format!("uuid eq {text}")), Value::Text(id.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_place() {
        for (text, at) in [
            ("", 1),
            ("serialNumber", 13),
            ("serialNumber eq", 16),
            ("serialNumber eq 'O'Brien'", 20),
            ("serialNumber eq 'open", 17),
            ("serialNumber eq open", 17),
            ("serialNumber is 'x'", 14),
            ("colour eq 'red'", 1),
            ("start gt 'yesterday'", 10),
            ("processCode eq 'ten'", 16),
            ("processCode eq NaN", 16),
            ("processCode lt null", 16),
            ("serialNumber eq 'a' 'b'", 21),
            ("serialNumber eq 'a' and", 24),
            ("(serialNumber eq 'a'", 21),
            ("serialNumber eq 'a')", 20),
            ("contains(start,'x')", 10),
            ("contains(serialNumber,5)", 23),
            ("subUnits/any(s: s/partNumber eq 'X')", 1),
            ("serialNumber eq 'a'; drop table reports", 20),
            ("result eq 'Great'", 11),
            ("uuid eq 'x'", 9),
        ] {
            let error = parse_filter(text).unwrap_err();
            assert_eq!(error.at, at, "{text}: {error}");
        }
    }

    #[test]
    fn size_and_depth_have_bounds() {
        let deep = format!("{}serialNumber eq 'a'{}", "(".repeat(40), ")".repeat(40));
        assert!(parse_filter(&deep).is_err());
        assert!(parse_filter(&"not ".repeat(1900)).is_err());
        let many = vec!["serialNumber eq 'a'"; 201].join(" or ");
        assert!(parse_filter(&many).is_err());
        assert!(parse_filter(&vec!["serialNumber eq 'a'"; 200].join(" or ")).is_ok());
        assert!(parse_filter(&" ".repeat(9000)).is_err());
    }

    #[test]
    fn an_order_names_fields_and_directions() {
        let order = parse_order("start desc, serialNumber asc,partNumber").unwrap();
        let fields: Vec<_> = order.iter().map(|order| (order.field, order.descending)).collect();
        assert_eq!(fields, [(Field::Start, true), (Field::SerialNumber, false), (Field::PartNumber, false)]);
        for text in ["", "start down", "start,", "colour", "start; drop table reports"] {
            assert!(parse_order(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,200}") {
            let _ = (parse_filter(&text), parse_order(&text));
        }

        #[test]
        fn no_heap_of_tokens_makes_the_parser_panic(
            words in proptest::collection::vec(proptest::sample::select(vec![
                "serialNumber", "start", "eq", "gt", "and", "or", "not", "(", ")", ",", "'a'", "''", "1", "-", "null", "contains",
                "2026-01-31", "datetime", "'", "x/y", "guid", "ę", "uuid",
            ]), 0..40)
        ) {
            let _ = (parse_filter(&words.join(" ")), parse_filter(&words.concat()), parse_order(&words.join(" ")));
        }

        #[test]
        fn every_text_can_be_asked_for(text in "\\PC{0,60}") {
            let filter = format!("serialNumber eq '{}'", text.replace('\'', "''"));
            let expected = Condition::Compare(Field::SerialNumber, Operator::Eq, Value::Text(text));
            prop_assert_eq!(parse_filter(&filter).unwrap(), expected);
        }
    }
}
