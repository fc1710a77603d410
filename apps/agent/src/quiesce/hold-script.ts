/**
 * The child that holds file systems still. It is a process of its own because the agent may crash or be stopped while
 * it holds them: its standard input then ends, and it lets go. It lets go on a time limit too, on its own clock.
 *
 * Arguments: limit in seconds, then mount points. It writes `held` once all are frozen, and at the end one word:
 * `released` (asked to, all were still frozen), `expired` (time limit), `lost` (someone else had thawed one), or
 * `failed <message>`.
 *
 * Signals that ask it to end are ignored: whoever sends them to a whole service reaches the agent too, whose end is
 * the end of the input. To act on them in the shell would only add moments in which one gets lost.
 */
export const HOLD_SCRIPT = `
limit=$1
shift
held=0
trap '' HUP INT PIPE TERM
let_go() {
  index=0
  outcome=0
  for mount in "$@"; do
    index=$((index + 1))
    [ "$index" -le "$held" ] || break
    fsfreeze --unfreeze "$mount" 2>/dev/null || outcome=1
  done
  return "$outcome"
}
for mount in "$@"; do
  if message=$(fsfreeze --freeze "$mount" 2>&1 </dev/null); then
    held=$((held + 1))
  else
    let_go "$@"
    echo "failed $mount: $message"
    exit 1
  fi
done
echo held
# KILL, since what is ignored here is ignored by the children too; the status is then 128 + 9.
timeout --signal=KILL "$limit" cat >/dev/null 2>&1
code=$?
if let_go "$@"; then
  case "$code" in
    0) echo released ;;
    137) echo expired ;;
    *) echo "failed the wait ended with status $code" ;;
  esac
else
  echo lost
fi
`;
