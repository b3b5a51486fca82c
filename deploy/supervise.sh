#!/bin/sh
# Runs one worker and starts it again where that can help: a restart policy of Docker's or compose's
# cannot tell exit codes apart, and would meet the same record, or a failed disk, for ever.
#
#   supervise.sh worker
#
# `tollgate --restart-codes` says after which codes a worker is started again, and after how many
# seconds. With any other code this ends with that code: page on a container that has exited. So it
# does after too many starts in a row. SIGTERM goes to the worker, which ends its turn first.
set -u

# As in tollgate-worker@.service: a broker may be away for about five minutes.
STARTS_MAX=${STARTS_MAX:-20}
STARTS_SECONDS=${STARTS_SECONDS:-600}

codes=$(python -m streams --restart-codes) || exit $?
child=
stopping=
trap 'stopping=1; heard=1; [ -z "$child" ] || kill -TERM "$child" 2>/dev/null' TERM INT

seconds_after() {
    printf '%s\n' "$codes" | while read -r code seconds; do
        [ "$code" -ne "$1" ] || echo "$seconds"
    done
}

# A trapped signal ends `wait` early, with a code that is not the child's: it is waited for again. If
# its end had been told already, `wait` knows it no more (127). A signal that came before there was a
# child is handed on now.
finish() {
    [ -z "$stopping" ] || kill -TERM "$child" 2>/dev/null
    ended=127
    while :; do
        heard=
        wait "$child"
        code=$?
        [ "$code" -eq 127 ] || ended=$code
        [ -n "$heard" ] || break
    done
    child=
}

starts=
ended=0
while :; do
    now=$(date +%s)
    recent=
    count=0
    for at in $starts; do
        if [ $((now - at)) -lt "$STARTS_SECONDS" ]; then
            recent="$recent $at"
            count=$((count + 1))
        fi
    done
    if [ "$count" -ge "$STARTS_MAX" ]; then
        echo "supervise: $count starts in $STARTS_SECONDS s, the last ended with $ended" >&2
        exit "$ended"
    fi
    starts="$recent $now"

    python -m streams "$@" &
    child=$!
    finish
    [ -z "$stopping" ] || exit "$ended"

    seconds=$(seconds_after "$ended")
    if [ -z "$seconds" ]; then
        echo "supervise: the worker ended with $ended, which no restart helps" >&2
        exit "$ended"
    fi
    echo "supervise: the worker ended with $ended, starting it again in $seconds s" >&2
    while [ "$seconds" -gt 0 ]; do
        sleep 1
        [ -z "$stopping" ] || exit "$ended"
        seconds=$((seconds - 1))
    done
done
