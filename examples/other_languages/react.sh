#!/bin/sh
# A shell script that reacts to how it is spoken to: it reads the lines of `edge-ser listen --json` with jq.
#
#     edge-ser listen --json | sh react.sh
jq --unbuffered -r 'select(.state == "emotion" or .state == "mic_lost") | [.emotion // .state, .confidence] | @tsv' |
while read -r what confidence; do
    [ "$what" != "${before:-}" ] || continue
    before=$what
    case $what in
        angry | disgusted) echo "call a person ($confidence)" ;;
        sad | fearful) echo "slow down ($confidence)" ;;
        mic_lost) echo "say that nobody is heard" ;;
        *) echo "go on ($confidence)" ;;
    esac
done
