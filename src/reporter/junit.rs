//! A JUnit report: a test case for each finding and each thing that was not scanned.

use crate::finding::Finding;
use crate::report::Report;
use crate::reporter::page::Page;
use crate::reporter::short;
use crate::rule::RuleSet;

pub(super) fn write(report: &Report, rules: &RuleSet, page: &mut Page) {
    let failures = report.standing().count();
    let shown = report.shown().count();
    let errors = report.errors.len();
    // A list without a case is taken for a failure by some hosts.
    let clean = report.findings.is_empty() && report.errors.is_empty();
    let tests = report.findings.len() + errors + usize::from(clean);
    page.markup("<?xml version=\"1.0\" encoding=\"UTF-8\"?>")
        .end();
    let counts = |page: &mut Page| {
        for (name, number) in [
            (" tests=\"", tests),
            ("\" failures=\"", failures),
            ("\" errors=\"", errors),
        ] {
            page.markup(name).xml(number);
        }
        let seconds = report.stats.elapsed.as_secs_f64();
        page.markup("\" time=\"").xml(format_args!("{seconds:.6}"));
    };
    page.markup("<testsuites name=\"git-frisk\"");
    counts(page);
    page.markup("\">").end();
    page.markup("  <testsuite name=\"git-frisk\"");
    counts(page);
    let skipped = report.findings.len() - failures;
    page.markup("\" skipped=\"")
        .xml(skipped)
        .markup("\">")
        .end();
    if clean {
        page.markup("    <testcase classname=\"git-frisk\" name=\"no secrets\"/>")
            .end();
    }
    for error in &report.errors {
        let name = error.place.as_ref().map(ToString::to_string);
        let name = name.unwrap_or_else(|| "the scan".to_owned());
        page.markup("    <testcase classname=\"git-frisk.incomplete\" name=\"")
            .xml(name);
        page.markup("\"><error type=\"incomplete\" message=\"not scanned: ")
            .xml(&error.reason);
        page.markup("\"/></testcase>").end();
    }
    for finding in &report.findings {
        case(finding, report.strict, rules, page);
    }
    if !report.skipped.is_empty() || shown > failures {
        page.markup("    <system-out>");
        for skipped in &report.skipped {
            page.xml(format_args!("left out: {}", short::remark(skipped)))
                .end();
        }
        if shown > failures {
            page.xml("warnings do not count but with --strict").end();
        }
        page.markup("</system-out>").end();
    }
    page.markup("  </testsuite>").end();
    page.markup("</testsuites>").end();
}

fn case(finding: &Finding, strict: bool, rules: &RuleSet, page: &mut Page) {
    let hit = &finding.hit;
    page.markup("    <testcase classname=\"git-frisk.")
        .xml(&hit.rule);
    page.markup("\" name=\"").xml(format_args!(
        "{} (key {})",
        short::place(finding),
        hit.key_id
    ));
    page.markup("\" file=\"").xml(&finding.place.label);
    if let Some(line) = short::line_in_file(finding) {
        page.markup("\" line=\"").xml(line);
    }
    page.markup("\">");
    let sentence = short::sentence(finding, rules);
    if finding.stands(strict) {
        page.markup("<failure type=\"").xml(&hit.rule);
        page.markup("\" message=\"").xml(sentence).markup("\">");
        page.xml(hit.excerpt.text()).markup("</failure>");
    } else {
        page.markup("<skipped message=\"")
            .xml(sentence)
            .markup("\"/>");
    }
    page.markup("</testcase>").end();
}
