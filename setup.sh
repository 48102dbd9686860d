#!/bin/sh
# Installs edge-ser into a virtual environment beside this file and runs it.
#
#   sh setup.sh listen [...]   listen through the microphone; what follows goes to `edge-ser listen`
#   sh setup.sh test           check the code and run all tests, on both TFLite runtimes
#
# Debian packages that are missing are installed with apt-get, by root or through sudo. Where that cannot be, this goes
# on as far as it can and says what to run.
set -eu

caller=$(pwd)
cd "$(dirname "$0")"
here=$(pwd)
newest_first='python3.13 python3.12 python3.11 python3.10'

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# is_python COMMAND FIRST LAST: whether it runs and is Python 3.FIRST to 3.LAST
is_python() {
    "$1" -c "import sys; sys.exit(not (3, $2) <= sys.version_info[:2] <= (3, $3))" >/dev/null 2>&1
}

# find_python FIRST LAST COMMAND...: print the first of these that is Python 3.FIRST to 3.LAST, or of pyenv's
find_python() {
    first=$1 last=$2
    shift 2
    for python in "$@"; do
        if is_python "$python" "$first" "$last"; then
            command -v "$python"
            return
        fi
    done
    for python in "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/*/bin/python; do
        if is_python "$python" "$first" "$last"; then
            echo "$python"
            return
        fi
    done
    return 1
}

# apt_install PACKAGE...: false where it cannot be done
apt_install() {
    command -v apt-get >/dev/null || return 1
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || return 1
        as_root='sudo'
        [ -t 0 ] || as_root='sudo -n' # nobody is there to type a password
    fi
    say "installing Debian packages: ${as_root:+$as_root }apt-get install $*"
    # What goes wrong is on stderr; the rest is a page for each package.
    $as_root apt-get -qq update >/dev/null && $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -o Dpkg::Use-Pty=0 install --yes --no-install-recommends "$@" >/dev/null
}

has_portaudio() { # wheels of sounddevice for other systems bring it along
    [ "$(uname)" != Linux ] || "$1" -c "import ctypes.util, sys; sys.exit(not ctypes.util.find_library('portaudio'))"
}
has_package() { command -v dpkg >/dev/null && dpkg -s "$1" >/dev/null 2>&1; }
can_make_environments() { "$1" -c 'import ensurepip, venv' 2>/dev/null; } # Debian keeps ensurepip in a package
venv_package() { "$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'; }

# need_system_packages PYTHON [PACKAGE...]: install what Python and the microphone need, and these
need_system_packages() {
    python=$1
    shift
    missing=
    can_make_environments "$python" || missing="$missing $(venv_package "$python")"
    has_portaudio "$python" || missing="$missing libportaudio2"
    for package in "$@"; do
        has_package "$package" || missing="$missing $package"
    done
    # shellcheck disable=SC2086 # one word a package
    [ -z "$missing" ] || apt_install $missing || say "these are missing:$missing. Run: sudo apt-get install$missing"
    can_make_environments "$python" \
        || fail "$python cannot make virtual environments. Run: sudo apt-get install $(venv_package "$python")"
    has_portaudio "$python" || say 'going on without PortAudio: no microphone, but files and the recording'
}

# make_environment FOLDER PYTHON: make it, or make it again where it belongs to another Python
make_environment() {
    version='import pip, sys; print(sys.version_info[:2])' # half an environment has no pip
    wanted=$("$2" -c 'import sys; print(sys.version_info[:2])')
    found=$("$1/bin/python" -c "$version" 2>/dev/null || true)
    [ "$wanted" = "$found" ] || "$2" -m venv --clear "$1"
}

pip_install() {
    environment=$1
    shift
    "$environment/bin/python" -m pip install --quiet --disable-pip-version-check "$@" \
        || fail "pip could not install. With a network, run: $environment/bin/python -m pip install $*"
}

# is_current ENVIRONMENT FILE...: whether it was installed here, and from these files
is_current() {
    [ "$(cat "$1/.installed" 2>/dev/null)" = "$(state_of "$@")" ]
}
remember() { state_of "$@" >"$1/.installed"; }
state_of() { # an environment does not survive a move, so the folder counts too
    shift
    pwd
    find "$@" -type f ! -name '*.pyc' -exec cksum {} + | sort
}

listen() {
    # shellcheck disable=SC2086 # one word a Python
    python=$(find_python 10 13 python3 $newest_first) \
        || fail 'Python 3.10 to 3.13 is needed. Run: sudo apt-get install python3 python3-venv'
    environment=.venv
    sources='pyproject.toml README.md LICENSE edge_ser convert benchmarks'
    # shellcheck disable=SC2086
    if ! is_current "$environment" $sources; then
        need_system_packages "$python"
        make_environment "$environment" "$python"
        say "installing edge-ser into $environment"
        rm -rf build # of an earlier version, which pip would install again
        pip_install "$environment" .
        remember "$environment" $sources
    elif ! has_portaudio "$python"; then
        need_system_packages "$python"
    fi
    cd "$caller" # files are named from there
    exec "$here/$environment/bin/edge-ser" listen "$@"
}

run_tests() {
    # shellcheck disable=SC2086
    newest=$(find_python 13 13 python3.13 || find_python 10 13 $newest_first python3) \
        || fail 'Python 3.10 to 3.13 is needed. Run: sudo apt-get install python3 python3-venv'
    for_tensorflow=$(find_python 10 11 python3.11 python3.10 python3) || for_tensorflow=
    for python in "$newest" $for_tensorflow; do
        need_system_packages "$python" libportaudio2 pulseaudio libasound2-plugins systemd libseccomp2 \
            mosquitto mosquitto-clients openssl jq gcc libc6-dev strace chromium chromium-driver
    done
    failed=
    test_board
    if [ -n "$for_tensorflow" ]; then
        test_everything
    else
        say 'SKIPPED: style, types, and the tests of convert/ and of tflite-runtime: they need Python 3.10 or 3.11'
    fi
    [ -z "$failed" ] || fail "FAILED:$failed"
    say 'all passed'
}

# check NAME COMMAND...: run it; if it fails, remember that and go on
check() {
    name=$1
    shift
    say "$name: $*"
    "$@" || failed="$failed [$name]"
}

# The board's part on ai-edge-litert and NumPy 2, with the newest Python there is.
test_board() {
    environment=.venv-litert
    if ! is_current "$environment" pyproject.toml setup.sh; then
        make_environment "$environment" "$newest"
        say "installing ai-edge-litert and NumPy 2 into $environment"
        # Named here, since up to Python 3.11 pip would choose the other runtime, which keeps NumPy at 1.
        pip_install "$environment" 'numpy>=2' 'ai-edge-litert>=2.1.5' 'sounddevice>=0.4.6' 'soundfile>=0.12' \
            'pytest>=8' 'hypothesis>=6.100'
        pip_install "$environment" --no-deps --editable .
        remember "$environment" pyproject.toml setup.sh
    fi
    # What is not the board's is named, so that a new folder of tests is run.
    check "board, $("$environment/bin/python" -V), ai-edge-litert" "$environment/bin/python" -m pytest --quiet \
        --ignore=tests/convert --ignore=tests/benchmarks --ignore=tests/test_packaging.py --ignore=tests/test_readme.py
}

# Style, types, and all tests, with TensorFlow, on tflite-runtime and NumPy 1.
test_everything() {
    environment=.venv-test
    if ! is_current "$environment" pyproject.toml convert/pyproject.toml setup.sh; then
        make_environment "$environment" "$for_tensorflow"
        say "installing TensorFlow and all else into $environment: about 3 GB"
        # In this order: pip looks for what the second needs among what it has already.
        pip_install "$environment" --editable '.[convert,search,micro,bench,dev,audio,mqtt,prometheus,robot,sign,serve,aggregates]' --editable ./convert
        remember "$environment" pyproject.toml convert/pyproject.toml setup.sh
    fi
    check style "$environment/bin/ruff" check .
    check format "$environment/bin/ruff" format --check .
    check types "$environment/bin/mypy" # against NumPy 1, whose own types are not those of NumPy 2
    check "everything, $("$environment/bin/python" -V), tflite-runtime" "$environment/bin/python" -m pytest --quiet
}

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
    listen) listen "$@" ;;
    test) run_tests ;;
    *)
        sed -n '2,8s/^# \{0,1\}//p' setup.sh >&2
        exit 2
        ;;
esac
