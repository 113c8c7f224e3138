#!/bin/sh
# Expected: a reader of Prometheus' text format gives every series of a histogram with its labels.
# The page of this one says that its output aims to be compatible with that of prom2json, which does
# so, and its example has a summary with a label, read well.
#
# Instead: as soon as a histogram or a summary has a label beside "le" or "quantile", its series are
# laid over each other: one set of buckets without labels, the last line of each bound wins, and sum
# and count are gone. No error is raised. With buckets that differ from series to series the set is
# a mixture that no program ever had, and may count fewer in a wider bucket than in a narrower one.
# Histograms without labels are right, and so is the summary of the example, because it has labels
# but no quantile.
#
# Seen with parse-prometheus-text-format 1.1.1 (the newest) and prom-client 15.1.3, as the writer,
# of the npm registry. Its makers have had a correction before them since 2019 (pull request 8 of
# their repository, open); its page does not mention it.
#
# For somebody who builds on it: read histograms without their type (leave out the lines "# TYPE" of
# histograms and summaries before reading: each line then is a sample with all its labels), and let
# a test read two series of one histogram.
#
# Source: "Exposition formats", Prometheus' documentation, sections "Grouping and sorting" and
# "Histograms and summaries": a line is told from the others by its name with all its labels; "le"
# and "quantile" are but one label each.
#
# Exit status: 0 seen as stated, 1 something changed, 2 could not be tried.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 2' HUP INT TERM
cd "$tmp"
timeout 180 npm install --prefix . --cache ./cache --ignore-scripts --no-audit --no-fund \
    parse-prometheus-text-format@1.1.1 prom-client@15.1.3 >npm.log 2>&1 ||
    { echo 'not tried: npm did not bring the packages' >&2; exit 2; }

cat >see.cjs <<'END'
const client = require('prom-client');
const module_ = require('parse-prometheus-text-format');
const parse = module_.default ?? module_;

const show = (name, text) => {
    console.log(`${name}\n${text.trim().replace(/^/gm, '  ')}\n  read as:`);
    for (const {metrics} of parse(text))
        for (const metric of metrics)
            console.log('    ' + JSON.stringify(metric));
};
/* The lines that a registry of its own writes for one metric, without its help. */
const written = async (Kind, options, observe) => {
    const registry = new client.Registry();
    observe(new Kind({name: 'wait', help: 'x', registers: [registry], ...options}));
    return (await registry.metrics()).replace(/^# HELP.*\n/gm, '');
};

(async () => {
    show('a histogram without labels', await written(client.Histogram, {buckets: [1, 5]},
        (histogram) => [3, 3, 0.5].forEach((value) => histogram.observe(value))));
    const two = await written(client.Histogram, {buckets: [1, 5], labelNames: ['door']},
        (histogram) => {
            [3, 3, 0.5].forEach((value) => histogram.observe({door: 'tcp'}, value));
            [3].forEach((value) => histogram.observe({door: 'web'}, value));
        });
    show('a histogram of two doors', two);
    show('the same without its type', two.replace(/^# TYPE.*\n/gm, ''));
    show('a summary of two doors', await written(client.Summary,
        {percentiles: [0.5], labelNames: ['door']}, (summary) => {
            summary.observe({door: 'tcp'}, 3);
            summary.observe({door: 'web'}, 7);
        }));
    show('a summary of two doors without quantiles', await written(client.Summary,
        {percentiles: [], labelNames: ['door']}, (summary) => {
            summary.observe({door: 'tcp'}, 3);
            summary.observe({door: 'web'}, 7);
        }));
    show('two doors with other buckets', `# TYPE wait histogram
wait_bucket{door="tcp",le="1"} 70
wait_bucket{door="tcp",le="+Inf"} 90
wait_sum{door="tcp"} 80
wait_count{door="tcp"} 90
wait_bucket{door="web",le="5"} 2
wait_bucket{door="web",le="+Inf"} 3
wait_sum{door="web"} 9
wait_count{door="web"} 3
`);
})();
END

cat >expected <<'END'
a histogram without labels
  # TYPE wait histogram
  wait_bucket{le="1"} 1
  wait_bucket{le="5"} 3
  wait_bucket{le="+Inf"} 3
  wait_sum 6.5
  wait_count 3
  read as:
    {"buckets":{"1":"1","5":"3","+Inf":"3"},"count":"3","sum":"6.5"}
a histogram of two doors
  # TYPE wait histogram
  wait_bucket{le="1",door="tcp"} 1
  wait_bucket{le="5",door="tcp"} 3
  wait_bucket{le="+Inf",door="tcp"} 3
  wait_sum{door="tcp"} 6.5
  wait_count{door="tcp"} 3
  wait_bucket{le="1",door="web"} 0
  wait_bucket{le="5",door="web"} 1
  wait_bucket{le="+Inf",door="web"} 1
  wait_sum{door="web"} 3
  wait_count{door="web"} 1
  read as:
    {"buckets":{"1":"0","5":"1","+Inf":"1"}}
the same without its type
  wait_bucket{le="1",door="tcp"} 1
  wait_bucket{le="5",door="tcp"} 3
  wait_bucket{le="+Inf",door="tcp"} 3
  wait_sum{door="tcp"} 6.5
  wait_count{door="tcp"} 3
  wait_bucket{le="1",door="web"} 0
  wait_bucket{le="5",door="web"} 1
  wait_bucket{le="+Inf",door="web"} 1
  wait_sum{door="web"} 3
  wait_count{door="web"} 1
  read as:
    {"value":"1","labels":{"le":"1","door":"tcp"}}
    {"value":"3","labels":{"le":"5","door":"tcp"}}
    {"value":"3","labels":{"le":"+Inf","door":"tcp"}}
    {"value":"6.5","labels":{"door":"tcp"}}
    {"value":"3","labels":{"door":"tcp"}}
    {"value":"0","labels":{"le":"1","door":"web"}}
    {"value":"1","labels":{"le":"5","door":"web"}}
    {"value":"1","labels":{"le":"+Inf","door":"web"}}
    {"value":"3","labels":{"door":"web"}}
    {"value":"1","labels":{"door":"web"}}
a summary of two doors
  # TYPE wait summary
  wait{quantile="0.5",door="tcp"} 3
  wait_sum{door="tcp"} 3
  wait_count{door="tcp"} 1
  wait{quantile="0.5",door="web"} 7
  wait_sum{door="web"} 7
  wait_count{door="web"} 1
  read as:
    {"quantiles":{"0.5":"7"}}
a summary of two doors without quantiles
  # TYPE wait summary
  wait_sum{door="tcp"} 3
  wait_count{door="tcp"} 1
  wait_sum{door="web"} 7
  wait_count{door="web"} 1
  read as:
    {"labels":{"door":"tcp"},"sum":"3","count":"1"}
    {"labels":{"door":"web"},"sum":"7","count":"1"}
two doors with other buckets
  # TYPE wait histogram
  wait_bucket{door="tcp",le="1"} 70
  wait_bucket{door="tcp",le="+Inf"} 90
  wait_sum{door="tcp"} 80
  wait_count{door="tcp"} 90
  wait_bucket{door="web",le="5"} 2
  wait_bucket{door="web",le="+Inf"} 3
  wait_sum{door="web"} 9
  wait_count{door="web"} 3
  read as:
    {"buckets":{"1":"70","5":"2","+Inf":"3"}}
END

timeout 60 node see.cjs >seen 2>&1 || echo "(the program ended with status $?)" >>seen
cat seen
diff -u expected seen || exit 1
echo 'seen as stated'
