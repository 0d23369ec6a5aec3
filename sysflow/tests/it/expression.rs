// SPDX-License-Identifier: Apache-2.0
//! The language of filters.

use proptest::prelude::*;
use sysflow::expression::{
    Definitions, Error, Expression, Membership, Node, Operand, Predicate, Relation, Scratch, Tree,
};
use sysflow::read::Reader;
use sysflow::resolve::Events;

use crate::support::{capture, golden};

fn node<T>(part: T) -> Node<T> {
    Node { part, span: 0..0 }
}

fn operand() -> impl Strategy<Value = Node<Operand>> {
    let word = prop_oneof![
        "[a-z]{1,4}\\.[a-z]{1,8}".prop_map(|word| Operand::Word(word, None)),
        ("[a-z]{1,4}\\.[a-z]{1,8}", any::<u32>())
            .prop_map(|(word, index)| Operand::Word(word, Some(index))),
        "[-./0-9:@%~é日]{1,8}".prop_map(|word| Operand::Word(word, None)),
        ".{0,10}".prop_map(Operand::Quoted),
        "(and|OR|not|in|exists|[\\\\\"'\n\t\r\0#]){0,4}".prop_map(Operand::Quoted),
    ];
    word.prop_map(node)
}

fn relation() -> impl Strategy<Value = Relation> {
    prop::sample::select(vec![
        Relation::Equal,
        Relation::NotEqual,
        Relation::Less,
        Relation::AtMost,
        Relation::Greater,
        Relation::AtLeast,
        Relation::Contains,
        Relation::IContains,
        Relation::StartsWith,
        Relation::EndsWith,
    ])
}

/// Any tree that a text can have.
fn tree() -> impl Strategy<Value = Tree> {
    let membership = prop::sample::select(vec![Membership::In, Membership::PMatch]);
    let leaf = prop_oneof![
        (operand(), relation(), operand()).prop_map(|(a, r, b)| Tree::Compare(a, r, b)),
        (operand(), membership, prop::collection::vec(operand(), 1..4))
            .prop_map(|(a, m, items)| Tree::Among(a, m, items)),
        operand().prop_map(Tree::Exists),
        "[a-z_]{1,3}_[a-z]{1,4}".prop_map(Tree::Name),
    ];
    leaf.prop_recursive(6, 40, 4, |inner| {
        let several = || prop::collection::vec(inner.clone().prop_map(node), 2..4);
        prop_oneof![
            several().prop_map(Tree::And),
            several().prop_map(Tree::Or),
            inner.clone().prop_map(|tree| Tree::Not(Box::new(node(tree)))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_written_is_parsed_to_the_same_tree(tree in tree()) {
        let text = tree.to_string();
        let parsed = Expression::parse(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(parsed.tree(), &tree, "{}", text);
        prop_assert_eq!(parsed.to_string(), text);
    }

    #[test]
    fn any_text_is_an_expression_or_an_error(text in ".{0,60}") {
        check_error(&text);
    }

    #[test]
    fn any_words_are_an_expression_or_an_error(
        words in prop::collection::vec(prop::sample::select(vec![
            "(", ")", "[", "]", ",", "and", "or", "not", "in", "pmatch", "exists", "=", "!=", "<",
            ">=", "contains", "proc.name", "proc.pid", "opflags", "net.ip", "\"x\"", "'", "\\",
            "1", "#", "é", "\n", "[0]", "proc.aname[1]", "tcp",
        ]), 0..12),
    ) {
        check_error(&words.join(" "));
        check_error(&words.concat());
    }
}

/// Whatever is wrong, the message shows a place that is in the text.
fn check_error(text: &str) {
    if let Err(error) = Predicate::new(text) {
        assert!(error.span().end <= text.len() && error.span().start <= error.span().end);
        assert!(text.get(error.span()).is_some(), "{error:?}");
        let shown = error.to_string();
        assert!(shown.starts_with(error.message()) && shown.ends_with('^'), "{shown}");
    }
}

#[test]
fn precedence_is_not_and_or() {
    let same = |a: &str, b: &str| {
        assert_eq!(a.parse::<Expression>().unwrap(), b.parse().unwrap());
    };
    same("a_b or c_d and not e_f", "(a_b or (c_d and (not e_f)))");
    same("NOT a_b AND c_d", "(not a_b) and c_d");
    same("exists proc.name", "proc.name exists");
    same("proc.name in [a, b,]", "proc.name in (a,b)");
    same("a.b='x y' # comment\n and c_d", "a.b == \"x y\" and c_d");
    same("evt.dir=<", "evt.dir = \"<\"");
    same("proc.exe=./server", "proc.exe = ./server");
}

/// Expressions that are wrong, of every kind.
const WRONG: &[&str] = &[
    "",
    "   # nothing",
    "type",
    "type =",
    "type = PE AND",
    "type = PE proc.name = client",
    "(type = PE",
    "type = PE)",
    "type in (PE, NF",
    "type in ()",
    "type in (PE NF)",
    "type in ([PE, NF])",
    "type in PE",
    "type ! PE",
    "type = \"PE",
    "proc.args = \"a\\d\"",
    "proc.name = \\x",
    "proc.name = and",
    "type = PP",
    "type contains",
    "proc.nmae = bash",
    "sf.proc.nmae = bash",
    "proc.name = sf.proc.nmae",
    "nosuchmacro",
    "nosuchmacro and type = PE",
    "opflags = READS",
    "file.openflags = RDONLI",
    "proc.pid = bash",
    "proc.pid > 1.5",
    "proc.pid contains 1",
    "proc.name > 5",
    "proc.tty = maybe",
    "proc.tty > 0",
    "net.sip = 127.0.0",
    "net.sip = 10.0.0.0/33",
    "net.proto = tpc",
    "ts > yesterday",
    "k8s.action = ADD",
    "proc.pid pmatch (1)",
    "proc.pid = proc.name",
    "net.sip < net.dip",
    "\"x\" = \"y\"",
    "\"x\" contains proc.name",
    "proc.pid[0] = 1",
    "opflags[0] = OPEN",
    "proc.aname[x] = bash",
    "proc.aname[0 = bash",
    "proc.name in (proc.aname[1])",
    "type = PE and\n  (proc.name = bash or\n   proc.nme = sh) and\n  proc.pid > 1",
];

#[test]
fn errors_say_what_is_wrong_and_where() {
    let mut text = String::new();
    for wrong in WRONG {
        let error = Predicate::new(wrong).expect_err(wrong);
        text += &format!("{error}\n\n");
    }
    golden("expression-errors.txt", text.trim_end());
}

#[test]
fn a_long_expression_is_shown_around_the_place() {
    let text = format!("proc.name in ({}x) and nope = 1", "日本, ".repeat(500));
    let error = Predicate::new(&text).unwrap_err().to_string();
    let lines: Vec<_> = error.lines().collect();
    assert!(lines[0].starts_with("unknown attribute \"nope\""), "{error}");
    assert!(lines[1].len() < 300 && lines[1].ends_with("and nope = 1"), "{error}");
    assert!(lines[2].ends_with("^^^^"));
}

#[test]
fn deep_expressions_are_errors_not_overflows() {
    for open in ["(", "not "] {
        let text = open.repeat(1_000_000);
        let error = Predicate::new(&text).unwrap_err();
        assert!(error.message().contains("100 parentheses"), "{}", error.message());
    }
    let flat = vec!["type = PE"; 20_000].join(" or ");
    assert!(Predicate::new(&flat).is_ok());
}

/// Events of a trace for which the expression is true.
fn count(path: &std::path::Path, predicate: &Predicate) -> usize {
    let mut events = Events::new(Reader::open(path).unwrap());
    let mut scratch = Scratch::default();
    let mut matches = 0;
    while let Some(event) = events.next_event().unwrap() {
        matches += usize::from(predicate.matches(&event, &mut scratch));
    }
    matches
}

fn counts(trace: &str, expected: &[(&str, usize)]) {
    let Some(path) = capture("expression", trace) else { return };
    for (text, matches) in expected {
        let predicate = Predicate::new(text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(count(&path, &predicate), *matches, "{text}");
    }
}

/// What the reference's processor finds (corrected where it is known to be wrong), but for the
/// differences in the documentation.
#[test]
fn a_trace_of_kubernetes_has_the_matches_of_the_reference() {
    counts(
        "traces/k8s_small.sf",
        &[
            ("type=KE", 4),
            ("sf.pod.internalip[0] = '192.168.59.100'", 2318),
            ("sf.pod.hostip[0] = 192.168.59.100", 4640),
            ("sf.pod.namespace = robot-shop", 1983),
            ("pod.ns = robot-shop", 1983),
            ("sf.pod.id exists", 4640),
            ("sf.ke.kind = K8S_PODS", 4),
            ("k8s.kind = pods", 4),
            ("sf.ke.kind = K8S_NODES", 0),
            ("sf.ke.message contains '\"namespace\":\"robot-shop\"'", 4),
            ("sf.container.id exists", 5243),
            ("sf.container.privileged = 1", 1301),
            ("container.privileged", 1301),
            ("sf.proc.entry = true", 3549),
            ("sf.pproc.entry = true", 1349),
            ("not sf.pproc.pid exists", 1856),
            ("sf.pproc.name = ''", 1959),
            ("type != KE and sf.proc.pid != sf.proc.tid", 2549),
            ("sf.net.ip startswith 172.17", 191),
            ("net.ip = 172.17.0.0/16", 191),
            ("sf.net.proto = 17", 50),
            ("fd.l4proto = udp", 50),
            ("sf.net.proto = 6", 1304),
            // The reference's 171 has 7 renames, of which it takes the second file's type for a count.
            ("sf.flow.wops >= 10", 164),
            ("sf.flow.rbytes > 10000", 75),
            ("10000 < sf.flow.rbytes", 75),
            ("sf.file.type in (u, p)", 652),
            ("sf.file.type = d", 146),
            ("sf.file.newpath exists", 7),
            ("sf.opflags = SETUID", 19),
            ("sf.opflags = CLONE", 146),
            ("evt.type = exec", 79),
            ("sf.opflags = RENAME", 7),
            ("opflags = UNLINK", 1),
            ("sf.opflags = CLOSE", 3447),
            ("sf.opflags = ACCEPT", 196),
            ("sf.type = FF and sf.opflags = READ", 2621),
            ("sf.opflags = READ", 2621),
            ("sf.type = FF and sf.opflags = WRITE", 238),
            ("sf.type = NF and sf.opflags = SEND", 1014),
            ("sf.type = NF and sf.opflags = RECV", 1114),
            ("sf.opflags in (READ, RECV)", 3735),
            ("sf.opflags = READ_RECV", 3735),
            ("sf.opflags in (WRITE, SEND)", 1252),
            ("sf.ret < 0", 3),
            ("sf.ret > 0", 94),
            ("sf.file.is_open_write = true", 8),
            ("sf.file.is_open_read = true", 2670),
            ("sf.proc.aname = containerd-shim-runc-v2", 2645),
            ("sf.endts > 0", 4894),
            ("type=NF and net.dport in (8080, 80)", 279),
            ("type=NF and pod.name exists", 1484),
        ],
    );
}

#[test]
fn an_attack_has_the_matches_of_the_reference() {
    counts(
        "traces/shellshock.sf",
        &[
            ("sf.opflags = EXEC", 3),
            ("sf.proc.name = bash", 17),
            ("sf.proc.aname = apache2", 56),
            ("sf.pproc.name = apache2", 31),
            ("sf.file.path = /etc/passwd", 2),
            ("sf.proc.args = /etc/passwd", 7),
            ("sf.proc.cmdline contains passwd", 24),
            ("sf.proc.cmdline icontains PASSWD", 24),
            ("sf.file.type = p", 14),
        ],
    );
}

/// The ten events that the reference's documents use as example.
#[test]
fn client_and_server_have_the_matches_of_the_reference() {
    counts(
        "collector/tcp-client-server.sf",
        &[
            ("type=NF", 2),
            ("type=PE or (type=NF and proc.name=server)", 5),
            ("type != PE and not (proc.name = client)", 3),
            ("type in (PE, NF)", 6),
            ("file.path pmatch (cache, libc)", 4),
            ("proc.pid = pproc.pid", 0),
            ("ts > 1553543283000000000", 2),
            ("ts > 2019-03-25T19:48:03Z", 2),
            ("ts > 2019-03-25T20:48:03+01:00", 2),
            ("not opflags in (EXEC, EXIT)", 6),
            ("type=FF and flow.rbytes > 100", 2),
            ("proc.pid=13823", 5),
            ("file.openflags = RDONLY", 4),
            ("file.openflags = O_CLOEXEC", 4),
            ("file.openflags = RDWR", 0),
            ("sf.opflags = OPEN", 4),
            ("sf.opflags != OPEN", 6),
            ("sf.opflags contains OP", 4),
            ("sf.file.path exists", 4),
            ("sf.net.dport = 8080", 2),
            ("net.port = 8080", 2),
            ("net.port > 80", 2),
            ("net.sip = 127.0.0.1 and net.dip = net.sip", 2),
            ("sf.net.proto = tcp", 2),
            ("sf.flow.rbytes > 1000", 0),
            ("sf.ret = 2", 2),
        ],
    );
}

#[test]
fn texts_with_commas_are_not_split() {
    use sysflow::record::{File, FileFlow, Record};
    let mut resolver = sysflow::resolve::Resolver::new();
    let path = "/tmp/a,b \"c\"".to_owned();
    resolver.accept(Record::File(File { path, ..File::default() }));
    let event = resolver.accept(FileFlow::default().into()).unwrap();
    let holds = |text: &str| Predicate::new(text).unwrap().matches(&event, &mut Scratch::default());
    assert!(holds(r#"file.path = "/tmp/a,b \"c\"""#));
    assert!(holds("file.path = '/tmp/a,b \"c\"'"));
    assert!(holds("file.name startswith 'a,b' and file.path endswith '\"c\"'"));
    assert!(!holds("file.path = /tmp/a"));
    assert!(holds("file.path != /tmp/a and proc.exe = '' and proc.pid = 0"));
    assert!(holds("not proc.uid exists and proc.uid != 0 and not proc.uid = 0"));
}

fn define(macros: &[(&str, &str)], lists: &[(&str, &[&str])]) -> Definitions {
    let mut definitions = Definitions::new();
    for (name, text) in macros {
        definitions.define_macro(*name, Expression::parse(text).unwrap());
    }
    for (name, items) in lists {
        let items = items.iter().map(|item| (*item).to_owned()).collect();
        definitions.define_list(*name, items);
    }
    definitions
}

fn compile(text: &str, definitions: &Definitions) -> Result<Predicate, Error> {
    Expression::parse(text).unwrap().compile(definitions)
}

#[test]
fn macros_and_lists_are_expanded() {
    let definitions = define(
        &[("shell", "proc.name in (shells)"), ("ran", "opflags = EXEC and shell")],
        &[("shells", &["bash", "more"]), ("more", &["sh", "more"])],
    );
    let Some(path) = capture("expression", "traces/shellshock.sf") else { return };
    let found = |text| count(&path, &compile(text, &definitions).unwrap());
    assert_eq!(found("shell"), found("proc.name = bash or proc.name in (sh, more)"));
    assert!(found("ran") > 0);
    assert_eq!(found("ran"), found("shell and opflags = EXEC"));
}

#[test]
fn definitions_cannot_run_away() {
    let circle = define(&[("a", "b"), ("b", "type = PE or a")], &[]);
    let error = compile("not a", &circle).unwrap_err();
    assert_eq!((error.message(), error.text()), ("macro \"a\" refers to itself", "type = PE or a"));

    let mut doubling = define(&[("m0", "type = PE")], &[("l0", &[])]);
    for step in 1..64 {
        let last = step - 1;
        let text = format!("m{last} or m{last}");
        doubling.define_macro(format!("m{step}"), Expression::parse(&text).unwrap());
        doubling.define_list(format!("l{step}"), vec![format!("l{last}"); 2]);
    }
    assert!(compile("m63", &doubling).unwrap_err().message().contains("expands to more"));
    assert!(compile("type in (l63)", &doubling).unwrap_err().message().contains("expands to more"));

    let mut chain = define(&[("m0", "type = PE")], &[]);
    for step in 1..5000 {
        let text = format!("not m{}", step - 1);
        chain.define_macro(format!("m{step}"), Expression::parse(&text).unwrap());
    }
    assert!(compile("m4999", &chain).unwrap_err().message().contains("nested"));
}
