# Completion of fhirexport for bash.

_fhirexport() {
  local word=${COMP_WORDS[COMP_CWORD]} line=${COMP_LINE:0:COMP_POINT}
  # What bash splits at colons is one word here; it replaces what stands behind the last of them.
  local whole=${line##*[[:space:]]}
  local cut=${whole%"${whole##*:}"}
  COMPREPLY=()
  if [[ $COMP_CWORD -eq 1 ]]; then
    mapfile -t COMPREPLY < <(compgen -W "export publish --help --version" -- "$word")
    return
  fi
  local last=${line%"$whole"}
  last=${last%"${last##*[![:space:]]}"}
  last=${last##*[[:space:]]}
  case $last in
    --source) _fhirexport_place "$whole" "$cut" "ndjson: sqlite: postgresql:" ;;
    --to) _fhirexport_place "$whole" "$cut" "file: s3:// azure-blob://" ;;
    --level) mapfile -t COMPREPLY < <(compgen -W "system patient group/" -- "$word") ;;
    --state) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
    --source-option | --type | --since | --until | --type-filter | --elements | --patient | \
      --associated | --part-bytes | --workers | --threads | --base-url | --cadence | --snapshot-every | \
      --grace | --page-files | --settle) ;;
    *)
      local options
      case ${COMP_WORDS[1]} in
        export)
          options="--source --to --source-option --level --type --since --until --type-filter --elements
            --patient --associated --gzip --sha256 --part-bytes --workers --threads --state --json --progress
            --quiet --help"
          ;;
        publish)
          options="--source --source-option --to --base-url --type --cadence --snapshot --snapshot-every
            --final --grace --token --page-files --part-bytes --settle --workers --quiet --help"
          ;;
        *) return ;;
      esac
      mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
      ;;
  esac
}

# _fhirexport_place WORD CUT KINDS: a kind of place, or a path behind it; CUT stays as it is.
_fhirexport_place() {
  local word=$1 cut=$2 kinds=$3 found
  case $word in
    ndjson:* | file:*) mapfile -t COMPREPLY < <(compgen -d -P "${word%%:*}:" -- "${word#*:}") ;;
    sqlite:*) mapfile -t COMPREPLY < <(compgen -f -P "sqlite:" -- "${word#*:}") ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$kinds" -- "$word") ;;
  esac
  compopt -o nospace 2>/dev/null
  for found in "${!COMPREPLY[@]}"; do COMPREPLY[found]=${COMPREPLY[found]#"$cut"}; done
}

complete -F _fhirexport fhirexport
