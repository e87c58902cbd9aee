# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of gotrace for bash: commands, options and their values, Go processes, functions.

# Running processes whose executable carries Go's build ID note, within its first page.
_gotrace_pids() {
	local exe
	for exe in /proc/[0-9]*/exe; do
		if head -c 4096 "$exe" 2>/dev/null | LC_ALL=C grep -qaP '\x04\0\0\0Go\0\0'; then
			exe=${exe#/proc/}
			echo "${exe%/exe}"
		fi
	done
}

# Reads a word as the shell will: typed is the word without quotes and backslashes, quote the quote that is open, kept how
# much of typed stands before it (readline replaces what follows). False where quotes were closed again.
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

# Sets quoted to a name from a program, of which the shell is to execute nothing, as it may be typed behind this open
# quote ("": none). False where it cannot.
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

# What the functions or types of a target that begin as $2 does go on with, part by part. $3: --types, or nothing.
_gotrace_names() {
	local target kept typed quote quoted not='' name
	_gotrace_read "$1"
	target=$typed
	[[ $target == \~/* ]] && target=$HOME/${target:2}
	COMPREPLY=()
	_gotrace_read "$2" || return
	[[ $typed == !* ]] && not=! typed=${typed:1}
	while IFS= read -r name; do
		name=$not$name
		_gotrace_quote "${name:kept}" "$quote" || continue
		[[ $name == *[./] ]] && compopt -o nospace
		COMPREPLY+=("$quoted")
	done < <("$gotrace" complete $3 -- "$target" "$typed" 2>/dev/null | head -n 2000)
}

# Sets target to the first word that is no option and no option's value.
_gotrace_target() {
	local i
	target=''
	for ((i = 2; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} == -* || $with_value == *" ${COMP_WORDS[i - 1]} "* ]] && continue
		target=${COMP_WORDS[i]}
		return
	done
}

_gotrace() {
	local gotrace=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local commands='attach run shell list types whatis info disassemble doctor replay count hist top bench' command=${COMP_WORDS[1]} i target=
	local trace='--format --output --depth --strlen --items --no-args --no-return --timestamps --color
		--goroutine --duration --count --backend --buffer --save --sample --rate --max-overhead --stack --creator --if --slower --errors --caller --within --dry-run --quiet --verbose --help'
	local with_value=' --format --output -o --depth --strlen --items --timestamps --color --goroutine '
	with_value+='--duration --count --backend --buffer --save --sample --rate --max-overhead --if --slower --caller --svg --rounds --calls --workload --execute --script -e -x '
	local counting='--by --keys --within --goroutine --if --slower --errors --caller --interval --duration --backend --format --output --quiet --verbose --help'
	with_value+='--by --keys --within --interval --value --linear --sort '
	COMPREPLY=()

	if ((COMP_CWORD == 1)); then
		COMPREPLY=($(compgen -W "$commands --help --version" -- "$word"))
		return
	fi
	# A word after "--" belongs to the program that run starts.
	if [[ $command == run || $command == bench || $command == @(count|hist|top) ]]; then
		for ((i = 2; i < COMP_CWORD; i++)); do
			if [[ ${COMP_WORDS[i]} == -- ]]; then
				compopt -o default
				return
			fi
		done
	fi
	case $before in
	--format)
		local formats='graph lines json'
		[[ $command == list || $command == info || $command == doctor || $command == @(count|hist|top) ]] && formats='text json'
		[[ $command == bench ]] && formats='table benchfmt json'
		COMPREPLY=($(compgen -W "$formats" -- "$word"))
		return
		;;
	--backend) COMPREPLY=($(compgen -W 'ebpf ptrace' -- "$word")) && return ;;
	--workload) COMPREPLY=($(compgen -W 'leaf typical delve server' -- "$word")) && return ;;
	--sort) COMPREPLY=($(compgen -W 'calls total p99' -- "$word")) && return ;;
	--timestamps) COMPREPLY=($(compgen -W 'none relative wall mono' -- "$word")) && return ;;
	--color) COMPREPLY=($(compgen -W 'auto always never' -- "$word")) && return ;;
	--within | --caller)
		_gotrace_target
		[[ $target && $command != run ]] && _gotrace_names "$target" "$word" ''
		return
		;;
	--output | -o | --save | --svg | --script | -x) compopt -o default && return ;;
	esac
	[[ $with_value == *" $before "* ]] && return

	if [[ $word == -* ]]; then
		case $command in
		attach | run) COMPREPLY=($(compgen -W "$trace" -- "$word")) ;;
		count) COMPREPLY=($(compgen -W "$counting" -- "$word")) ;;
		hist) COMPREPLY=($(compgen -W "$counting --value --linear" -- "$word")) ;;
		top) COMPREPLY=($(compgen -W "$counting --sort" -- "$word")) ;;
		list) COMPREPLY=($(compgen -W '--format --verbose --help' -- "$word")) ;;
		info) COMPREPLY=($(compgen -W '--format --help' -- "$word")) ;;
		doctor) COMPREPLY=($(compgen -W '--format --repair --help' -- "$word")) ;;
		bench)
			COMPREPLY=($(compgen -W '--format --svg --rounds --calls --workload --peers --quiet --help' -- "$word"))
			;;
		replay) COMPREPLY=($(compgen -W '--format --output --timestamps --color --quiet --verbose --help' -- "$word")) ;;
		shell) COMPREPLY=($(compgen -W '--execute --script --keep-going --quiet --verbose --help' -- "$word")) ;;
		*) COMPREPLY=($(compgen -W --help -- "$word")) ;;
		esac
		return
	fi

	_gotrace_target
	case $command in
	replay) compopt -o default ;;
	attach | shell | list | types | whatis | info | disassemble | doctor | count | hist | top)
		if [[ -z $target ]]; then
			[[ $command == @(attach|shell|count|hist|top) ]] || compopt -o default
			COMPREPLY=($(compgen -W "$(_gotrace_pids)" -- "$word"))
			return
		fi
		case $command in
		attach | list | info | disassemble | count | hist | top) _gotrace_names "$target" "$word" '' ;;
		types | whatis) _gotrace_names "$target" "$word" --types ;;
		esac
		;;
	esac
}

complete -F _gotrace gotrace
