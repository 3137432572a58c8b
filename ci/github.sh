#!/usr/bin/env bash
# Audits for action.yml: writes all reports, the run's summary and the outputs. The gate itself is the action's last step.
set -euo pipefail

reports="$RUNNER_TEMP/mlready-reports"
rm -rf "$reports"
mkdir -p "$reports"
mlready="${MLREADY:-$RUNNER_TEMP/mlready/bin/mlready}"

options=()
[ -z "${PROFILE:-}" ] || options+=(--profile "$PROFILE")
[ -z "${FAIL_UNDER:-}" ] || options+=(--fail-under "$FAIL_UNDER")
[ -z "${FAIL_ON:-}" ] || options+=(--fail-on "$FAIL_ON")
[ -z "${BASELINE:-}" ] || options+=(--baseline "$BASELINE")
[ -z "${SINCE:-}" ] || options+=(--since "$SINCE")

[ -z "${PREVIOUS:-}" ] || [ ! -f "$PREVIOUS" ] || options+=(--previous "$PREVIOUS")
for format in json:json sarif:sarif html:html markdown:md; do
  options+=(--also "${format%%:*}=$reports/audit.${format#*:}")
done

code=0
"$mlready" audit "${options[@]}" --format github -- "$AUDIT_PATH" || code=$?
if [ "$code" -eq 3 ]; then # nothing to judge
  exit 0
fi
if [ "$code" -gt 1 ]; then
  exit "$code"
fi
echo "reports=$reports" >>"$GITHUB_OUTPUT"
if [ ! -f "$reports/audit.json" ]; then # nothing that is judged has changed
  exit 0
fi
cat "$reports/audit.md" >>"$GITHUB_STEP_SUMMARY"
score=$(sed -n 's/^  "score": \([0-9.]*\),$/\1/p' "$reports/audit.json")
passed=$([ "$code" -eq 0 ] && echo true || echo false)
printf 'score=%s\npassed=%s\n' "$score" "$passed" >>"$GITHUB_OUTPUT"
