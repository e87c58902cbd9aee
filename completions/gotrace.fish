# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of gotrace for fish. "gotrace complete" knows what a command line can go on with; it is only printed: fish
# quotes it for the quote that is open.

function __gotrace_words
	set -l words (commandline -opc | string replace -r '^~/' "$HOME/")
	set -l typed
	for quote in '' \' \"
		set typed (string unescape -- (commandline -ct)$quote); and break
	end
	for line in ($words[1] complete -- $words[2..] "$typed" 2>/dev/null)
		if test "$line" = /
			__fish_complete_path (commandline -ct)
		else
			printf '%s\n' $line
		end
	end
end

complete -c gotrace -f -a '(__gotrace_words)'
