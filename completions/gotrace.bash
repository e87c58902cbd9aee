# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of gotrace for bash. "gotrace complete" knows what a command line can go on with; here it is quoted.

# Reads a word as the shell will: typed is the word without quotes and backslashes, quote the quote that is open, kept how
# much of typed is before it (readline replaces what follows). False if quotes were closed again.
_gotrace_read() {
	local raw=$1 i c had=
	typed='' quote='' kept=0
	for ((i = 0; i < ${#raw}; i++)); do
		c=${raw:i:1}
		if [[ $quote && $c == "$quote" ]]; then
			quote=''
		elif [[ ! $quote && $c == [\'\"] ]]; then
			quote=$c kept=${#typed} had=1
		elif [[ $c == \\ && $quote != \' ]] && [[ ! $quote || ${raw:i+1:1} == [\\\$\`\"] ]]; then
			i=$((i + 1))
			typed+=${raw:i:1}
		else
			typed+=$c
		fi
	done
	[[ $quote || ! $had ]]
}

# Sets quoted to a name from a program, of which the shell is to execute nothing, as it may be typed after this open
# quote ("": none). False if it cannot.
_gotrace_quote() {
	local name=$1 open=$2 i c
	quoted=$name
	case $open in
	\') [[ $name != *\'* ]] ;;
	\")
		quoted=''
		for ((i = 0; i < ${#name}; i++)); do
			c=${name:i:1}
			[[ $c == [\\\$\`\"] ]] && quoted+=\\
			quoted+=$c
		done
		[[ $name != *!* ]] # no backslash stops history expansion there
		;;
	*) printf -v quoted %q "$name" ;;
	esac
}

_gotrace() {
	local gotrace=${COMP_WORDS[0]} typed quote quoted kept i line words=()
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		_gotrace_read "${COMP_WORDS[i]}" || :
		[[ $typed == \~/* ]] && typed=$HOME/${typed:2}
		words+=("$typed")
	done
	_gotrace_read "${COMP_WORDS[COMP_CWORD]}" || return
	while IFS= read -r line; do
		if [[ $line == / ]]; then
			compopt -o default
			continue
		fi
		_gotrace_quote "${line:kept}" "$quote" || continue
		[[ $line == *[./] ]] && compopt -o nospace
		COMPREPLY+=("$quoted")
	done < <("$gotrace" complete -- "${words[@]}" "$typed" 2>/dev/null)
}

complete -F _gotrace gotrace
