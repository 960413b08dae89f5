"""The parts of the completion scripts that ask `ai-pal complete` for names. Models may be files, too."""

_BASH = r"""
# $1: the kind, $2: the beginning of a name. Prints those that begin so.
_ai_pal_complete() {
  local name
  while IFS=$'\t' read -r name _; do
    printf '%q\n' "$name"
  done < <("${COMP_WORDS[0]}" complete "$1" "$2" 2>/dev/null)
}
# $1: the beginning of a path.
_ai_pal_paths() {
  local path quoted
  while IFS= read -r path; do
    quoted=$(printf '%q' "$path")
    [[ $path == '~'* ]] && quoted="~$(printf '%q' "${path#\~}")"
    [[ -d ${path/#\~/$HOME} ]] && quoted+=/
    printf '%s\n' "$quoted"
  done < <(compgen -d -- "$1"; compgen -f -X '!*.gguf' -- "$1")
}
_ai_pal_models() {
  _ai_pal_complete models "$1"
  case "$1" in */* | .* | '~'*) _ai_pal_paths "$1" ;; esac
}
_ai_pal_local() {
  _ai_pal_complete local "$1"
  case "$1" in */* | .* | '~'*) _ai_pal_paths "$1" ;; esac
}
_ai_pal_here() { _ai_pal_complete here "$1"; }
_ai_pal_loaded() { _ai_pal_complete loaded "$1"; }
_ai_pal_presets() { _ai_pal_complete presets "$1"; }
_ai_pal_conversations() { _ai_pal_complete conversations "$1"; }
_ai_pal_tags() { _ai_pal_complete tags "$1"; }
_ai_pal_providers() { _ai_pal_complete providers "$1"; }
_ai_pal_settings() { _ai_pal_complete settings "$1"; }
_ai_pal_commands() { _ai_pal_complete commands "$1"; }
_ai_pal_agents() { _ai_pal_complete agents "$1"; }
_ai_pal_text() { :; }
"""

_BASH_AFTERWARDS = r"""
# bash breaks words at colons: here they are whole, as `openai:gpt-4` is meant.
_ai_pal() {
  local cut=${COMP_WORDS[COMP_CWORD]} line=${COMP_LINE:0:COMP_POINT} words=() word gap lead reply
  for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
    gap=${line%%[![:space:]]*}
    line=${line#"$gap"}
    line=${line#"$word"}
    if [[ ${#words[@]} -gt 0 && -z $gap && ( $word == :* || ${words[-1]} == *: ) ]]; then
      words[-1]+=$word
    else
      words+=("$word")
    fi
  done
  local COMP_WORDS=("${words[@]}") COMP_CWORD=$((${#words[@]} - 1))
  [[ $cut == : ]] && cut=
  lead=${words[-1]%"$cut"}
  _shtab_ai_pal "$@"
  for reply in "${!COMPREPLY[@]}"; do
    COMPREPLY[reply]=${COMPREPLY[reply]#"$lead"}
  done
  # No space behind a folder or a provider's colon: there is more to come.
  [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[/:] ]] && compopt -o nospace 2>/dev/null
  return 0
}
complete -o bashdefault -F _ai_pal ai-pal
"""

_ZSH = r"""
_ai_pal_complete() {
  local -a names shown open open_shown
  local line name
  while IFS= read -r line; do
    name=${line%%$'\t'*}
    if [[ $name == *: ]]; then
      open+=("$name"); open_shown+=("${line//$'\t'/  -- }")
    else
      names+=("$name"); shown+=("${line//$'\t'/  -- }")
    fi
  done < <(ai-pal complete "$1" "${(Q)PREFIX}" 2>/dev/null)
  (( $#names )) && compadd -l -d shown -a names
  (( $#open )) && compadd -S '' -l -d open_shown -a open
}
_ai_pal_models() {
  _ai_pal_complete models
  case $PREFIX in (*/*|.*|\~*) _files -g '*.gguf' ;; esac
}
_ai_pal_local() {
  _ai_pal_complete local
  case $PREFIX in (*/*|.*|\~*) _files -g '*.gguf' ;; esac
}
_ai_pal_here() { _ai_pal_complete here }
_ai_pal_loaded() { _ai_pal_complete loaded }
_ai_pal_presets() { _ai_pal_complete presets }
_ai_pal_conversations() { _ai_pal_complete conversations }
_ai_pal_tags() { _ai_pal_complete tags }
_ai_pal_providers() { _ai_pal_complete providers }
_ai_pal_settings() { _ai_pal_complete settings }
_ai_pal_commands() { _ai_pal_complete commands }
_ai_pal_agents() { _ai_pal_complete agents }
_ai_pal_text() { return 1 }  # without it zsh only tells that a text is wanted, and inserts no option
"""

_FISH = r"""
function _ai_pal_complete
    ai-pal complete $argv[1] (commandline -ct) 2>/dev/null
end
function _ai_pal_gguf
    set -l word (string unescape -- (commandline -ct))
    if string match -qr '^[.~]|/' -- "$word"
        __fish_complete_path "$word" | string match -r '.*(?:/|\.gguf)(?:\t.*)?$'
    end
end
function _ai_pal_models
    _ai_pal_complete models
    _ai_pal_gguf
end
function _ai_pal_local
    _ai_pal_complete local
    _ai_pal_gguf
end
function _ai_pal_here; _ai_pal_complete here; end
function _ai_pal_loaded; _ai_pal_complete loaded; end
function _ai_pal_presets; _ai_pal_complete presets; end
function _ai_pal_conversations; _ai_pal_complete conversations; end
function _ai_pal_tags; _ai_pal_complete tags; end
function _ai_pal_providers; _ai_pal_complete providers; end
function _ai_pal_settings; _ai_pal_complete settings; end
function _ai_pal_commands; _ai_pal_complete commands; end
function _ai_pal_agents; _ai_pal_complete agents; end
function _ai_pal_text; end
"""

PREAMBLES = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
AFTERWARDS = {"bash": _BASH_AFTERWARDS}


def function_of(kind: str, shell: str) -> str:
    """What a script calls for names of this kind; tcsh asks for a list of them, once."""
    if shell == "tcsh":
        return "" if kind == "text" else f"`ai-pal complete {kind} | cut -f1`"
    return f"(_ai_pal_{kind})" if shell == "fish" else f"_ai_pal_{kind}"
