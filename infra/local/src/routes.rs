//! Which function answers a path, by API Gateway's rules.

use std::collections::HashMap;
use std::time::Duration;

use functions::handlers::Handler;

use crate::template::Template;

/// A route of the template.
#[derive(Clone)]
pub struct Route {
    /// `GET /api/talents/{id}`: what API Gateway calls the route.
    pub key: String,
    method: String,
    segments: Vec<Segment>,
    /// What answers it.
    pub handler: &'static Handler,
    /// When Lambda would end the call.
    pub timeout: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    Parameter(String),
    /// `{name+}`: the rest of the path.
    Rest(String),
}

/// A route and what its parameters are in a path.
pub struct Matched<'a> {
    /// The route.
    pub route: &'a Route,
    /// The parameters, decoded.
    pub parameters: HashMap<String, String>,
}

/// Every route.
#[derive(Clone)]
pub struct Routes(Vec<Route>);

impl Routes {
    /// The routes of the template; the most specific first.
    ///
    /// # Errors
    /// The name of a handler that the bundle does not have.
    pub fn new(template: &Template) -> Result<Self, String> {
        let routes: Result<Vec<Route>, String> = template
            .routes()
            .map(|(method, path, function)| {
                let handler = functions::handlers::find(&function.handler).ok_or_else(|| function.handler.clone())?;
                Ok(Route {
                    key: format!("{method} {path}"),
                    method: method.to_owned(),
                    segments: path.split('/').skip(1).map(segment).collect(),
                    handler,
                    timeout: Duration::from_secs(function.timeout_s),
                })
            })
            .collect();
        let mut routes = routes?;
        // Literal beats parameter beats rest, from left to right; a method of its own beats ANY.
        let kinds = |route: &Route| -> Vec<u8> {
            let kind = |segment: &Segment| match segment {
                Segment::Literal(_) => 0,
                Segment::Parameter(_) => 1,
                Segment::Rest(_) => 2,
            };
            route.segments.iter().map(kind).chain([u8::from(route.method == "ANY")]).collect()
        };
        routes.sort_by_key(kinds);
        Ok(Self(routes))
    }

    /// The route of a request whose path is as it was sent.
    #[must_use]
    pub fn find(&self, method: &str, raw_path: &str) -> Option<Matched<'_>> {
        let path: Vec<String> = raw_path.split('/').skip(1).map(decode).collect();
        self.0.iter().filter(|route| route.method == method || route.method == "ANY").find_map(|route| {
            let parameters = matched(&route.segments, &path)?;
            Some(Matched { route, parameters })
        })
    }
}

fn segment(text: &str) -> Segment {
    match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
        None => Segment::Literal(text.to_owned()),
        Some(name) => match name.strip_suffix('+') {
            None => Segment::Parameter(name.to_owned()),
            Some(name) => Segment::Rest(name.to_owned()),
        },
    }
}

fn matched(segments: &[Segment], path: &[String]) -> Option<HashMap<String, String>> {
    let mut parameters = HashMap::new();
    for (at, segment) in segments.iter().enumerate() {
        let part = path.get(at)?;
        match segment {
            Segment::Literal(literal) if literal == part => {}
            Segment::Literal(_) => return None,
            // A parameter is never empty.
            Segment::Parameter(_) | Segment::Rest(_) if part.is_empty() => return None,
            Segment::Parameter(name) => drop(parameters.insert(name.clone(), part.clone())),
            Segment::Rest(name) => {
                parameters.insert(name.clone(), path.get(at..)?.join("/"));
                return Some(parameters);
            }
        }
    }
    (segments.len() == path.len()).then_some(parameters)
}

/// Undoes percent-encoding; what is no text afterwards is made some.
#[must_use]
pub fn decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = bytes.get(at + 1..at + 3).filter(|_| byte == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(escaped) => {
                decoded.push(escaped);
                at += 3;
            }
            None => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn routes() -> Routes {
        let function = |id: &str, handler: &str, method: &str, path: &str| {
            format!(
                "  {id}:\n    Type: AWS::Serverless::Function\n    Properties: {{ Handler: {handler}, Events: {{ E: {{ Type: HttpApi, Properties: {{ Method: {method}, Path: '{path}' }} }} }} }}\n"
            )
        };
        let text = [
            "Resources:\n".to_owned(),
            function("A", "talents.list", "GET", "/a/{id}"),
            function("B", "ops.health", "GET", "/a/me"),
            function("C", "talents.save", "ANY", "/a/{id}/b/{other}"),
            function("D", "ops.capabilities", "GET", "/files/{path+}"),
        ];
        Routes::new(&Template::parse(&text.concat(), &BTreeMap::new()).unwrap()).unwrap()
    }

    fn handler(method: &str, path: &str) -> Option<&'static str> {
        routes().find(method, path).map(|matched| matched.route.handler.name)
    }

    #[test]
    fn a_literal_beats_a_parameter() {
        assert_eq!(handler("GET", "/a/me"), Some("ops.health"));
        assert_eq!(handler("GET", "/a/you"), Some("talents.list"));
    }

    #[test]
    fn a_path_or_method_that_is_not_in_the_template_has_no_route() {
        for (method, path) in [
            ("GET", "/"),
            ("GET", "/a"),
            ("GET", "/a/"),
            ("GET", "/a/me/"),
            ("POST", "/a/me"),
            ("GET", "//a/me"),
            ("HEAD", "/a/me"),
        ] {
            assert_eq!(handler(method, path), None, "{method} {path}");
        }
    }

    #[test]
    fn parameters_are_decoded_and_an_encoded_slash_does_not_divide() {
        let routes = routes();
        let matched = routes.find("DELETE", "/a/one%2Ftwo/b/%C3%A4%zz").unwrap();
        assert_eq!((matched.parameters["id"].as_str(), matched.parameters["other"].as_str()), ("one/two", "ä%zz"));
        assert_eq!(routes.find("GET", "/files/a/b").unwrap().parameters["path"], "a/b");
    }
}
