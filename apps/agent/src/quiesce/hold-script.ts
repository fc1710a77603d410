/**
 * The child that holds file systems still. It is a process of its own because the agent may crash or be stopped while
 * it holds them: its standard input then ends, and it lets go. It lets go on a time limit too, on its own clock, which
 * begins before the first file system is frozen: freezing one can take long, or not end, while others are held already.
 * Whatever is frozen then is thawed at once, and what is being frozen as soon as it is.
 *
 * Arguments: limit in seconds, then mount points. It writes `held` once all are frozen, and at the end one word:
 * `released` (asked to, all were still frozen), `expired` (time limit), `lost` (someone else had thawed one), or
 * `failed <mount point>`, after what fsfreeze said.
 *
 * Signals that ask it to end are ignored: whoever sends them to a whole service reaches the agent too, whose end is
 * the end of the input. To act on them in the shell would only add moments in which one gets lost. USR1 and USR2 are
 * its own: by them the process that watches input and clock says which of them has come.
 */
export const HOLD_SCRIPT = `
limit=$1
shift
trap '' HUP INT PIPE TERM
over=
trap 'over=released' USR1
trap 'over=expired' USR2

# A shell gives /dev/null to what it starts in the background, but for this.
exec 3<&0
{
  # KILL, since what is ignored here is ignored by the children too; the status is then 128 + 9.
  timeout --signal=KILL "$limit" cat
  case $? in
    0) signal=USR1 ;;
    *) signal=USR2 ;;
  esac
  # Again and again: a signal that comes just before \`wait\` does not end it. And to nobody who got the number of a
  # shell that was killed.
  while read -r _ _ _ parent _ </proc/self/stat && [ "$parent" = $$ ]; do
    kill -s "$signal" $$
    sleep 1
  done
} <&3 >/dev/null 2>&1 &
watch=$!
exec 3<&-

frozen=0
intact=yes
let_go() {
  for mount in "$@"; do
    [ "$frozen" -gt 0 ] || break
    frozen=$((frozen - 1))
    fsfreeze --unfreeze "$mount" 2>/dev/null || intact=no
  done
}
# Waits for a child, and meanwhile lets go when it is time to. A signal ends \`wait\` without its child.
status_of() {
  child=$1
  shift
  while :; do
    wait "$child"
    status=$?
    [ "$status" -gt 128 ] && kill -0 "$child" 2>/dev/null || return "$status"
    [ -z "$over" ] || let_go "$@"
  done
}

for mount_point in "$@"; do
  [ -z "$over" ] || break
  fsfreeze --freeze "$mount_point" </dev/null 2>&1 &
  if ! status_of $! "$@"; then
    # One that was killed may have come to freeze it.
    [ "$status" -le 128 ] || fsfreeze --unfreeze "$mount_point" 2>/dev/null
    let_go "$@"
    echo "failed $mount_point"
    exit 1
  fi
  if [ -n "$over" ]; then
    fsfreeze --unfreeze "$mount_point" 2>/dev/null
  else
    frozen=$((frozen + 1))
  fi
done
[ -n "$over" ] || echo held
while [ -z "$over" ]; do
  wait "$watch"
  [ -n "$over" ] || kill -0 "$watch" 2>/dev/null || over='failed nobody watches the clock'
done
let_go "$@"
[ "$intact" = yes ] || over=lost
echo "$over"
`;
