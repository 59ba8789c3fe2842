package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"gatehop/cmd/gatehop/internal/environ"
	"gatehop/cmd/gatehop/internal/near"
	"gatehop/cmd/gatehop/internal/profile"
	"gatehop/creds/sink"
	"gatehop/saml"
)

// completionScripts write what a shell needs to ask gatehop for completions.
var completionScripts = []struct {
	shell string
	write func(root *cobra.Command, w io.Writer) error
}{
	{"bash", func(root *cobra.Command, w io.Writer) error {
		if err := root.GenBashCompletionV2(w, true); err != nil {
			return err
		}
		_, err := io.WriteString(w, bashAlone)
		return err
	}},
	{"zsh", func(root *cobra.Command, w io.Writer) error { return root.GenZshCompletion(w) }},
	{"fish", func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) }},
	{"powershell", func(root *cobra.Command, w io.Writer) error { return root.GenPowerShellCompletionWithDesc(w) }},
}

// bashAlone lets cobra's script work without the package bash-completion, whose
// functions it calls: bash cuts words at = and : too, which are put together again.
const bashAlone = `
if ! declare -F _get_comp_words_by_ref >/dev/null 2>&1; then
__gatehop_init_completion()
{
    if declare -F _get_comp_words_by_ref >/dev/null 2>&1; then
        _get_comp_words_by_ref "$@" cur prev words cword
        return
    fi
    local i word last=""
    words=() cword=0
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((i > 1)) && [[ $word == [=:] || $last == [=:] && -n $word ]]; then
            words[cword]+=$word
        else
            ((i > 0)) && cword=$((cword + 1))
            words[cword]=$word
        fi
        last=$word
    done
    cur=${words[cword]} prev=""
    ((cword > 0)) && prev=${words[cword-1]}
    return 0
}
fi
`

func completionShells() []string {
	var names []string
	for _, s := range completionScripts {
		names = append(names, s.shell)
	}
	return names
}

func completionCommand(*app) *cobra.Command {
	return &cobra.Command{
		Use: "completion SHELL", Short: "print a script with which a shell completes gatehop's words",
		Long: `Prints the script with which bash, zsh, fish or powershell completes commands,
flags, profiles and roles. What is completed comes from the configuration and
from what is remembered; nothing is asked, sent or run.

bash        with the package bash-completion, once for all shells to come:
              dir=~/.local/share/bash-completion/completions
              mkdir -p $dir && gatehop completion bash > $dir/gatehop
            without it, in ~/.bashrc:
              source <(gatehop completion bash)
zsh         into a folder of $fpath, before compinit runs:
              gatehop completion zsh > "${fpath[1]}/_gatehop"
fish          gatehop completion fish > ~/.config/fish/completions/gatehop.fish
powershell  in $PROFILE:
              gatehop completion powershell | Out-String | Invoke-Expression`,
		Example: `  source <(gatehop completion bash)                   # for this bash alone
  gatehop completion zsh > "$HOME/_gatehop"           # a folder of zsh's $fpath`,
		Args: args(1, 1, "one SHELL"), ValidArgs: completionShells(),
		RunE: func(c *cobra.Command, given []string) error {
			for _, s := range completionScripts {
				if s.shell == given[0] {
					return s.write(c.Root(), c.OutOrStdout())
				}
			}
			return &usageError{text: fmt.Sprintf("there is no completion for shell %q (known: %s)", given[0], strings.Join(completionShells(), ", ")),
				command: "gatehop completion", near: near.Nearest(given[0], completionShells())}
		},
	}
}

// addCompletions lets every command complete what its flags take. It is called once the
// tree is whole.
func (a *app) addCompletions(root *cobra.Command) {
	flags := map[string]cobra.CompletionFunc{
		"profile": func(c *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return a.completeProfiles(c, nil, typed)
		},
		"role":   a.completeRoles,
		"shell":  oneOfWords(sink.Shells()),
		"idp":    oneOfWords(adapterKinds()),
		"import": oneOfWords(importable()),
	}
	for _, c := range append(root.Commands(), root) {
		if c.Name() == "sandbox" {
			_ = c.RegisterFlagCompletionFunc("idp", oneOfWords(sandboxProviders()))
			_ = c.RegisterFlagCompletionFunc("fault", faultValues)
			_ = c.RegisterFlagCompletionFunc("mfa", factorValues)
			_ = c.RegisterFlagCompletionFunc("mfa-result", oneOfWords(factorResults()))
		}
		for name, f := range flags {
			if c.LocalFlags().Lookup(name) != nil || c == root && name == "profile" {
				_ = c.RegisterFlagCompletionFunc(name, f) // of an own flag, once: no error
			}
		}
		for _, name := range []string{"duration", "at-least", "parallel", "latency", "throttle", "roles", "accounts", "password-fd", "write",
			"url", "username", "adfs-domain", "relying-party", "region", "role-name", "destination", "external-id"} {
			if f := c.Flags().Lookup(name); f != nil && f.Value.Type() != "bool" {
				_ = c.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
			}
		}
	}
}

// plainUsages takes the marks that name a flag's value out of what is said of the flags:
// completion would show them.
func plainUsages(root *cobra.Command) {
	plain := func(f *pflag.Flag) { f.Usage = strings.ReplaceAll(f.Usage, "`", "") }
	root.PersistentFlags().VisitAll(plain)
	for _, c := range root.Commands() {
		c.Flags().VisitAll(plain)
	}
}

func oneOfWords(words []string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}

// quietly reads what completion needs: it neither writes on the terminal nor asks there,
// and makes no folder.
func (a *app) quietly() (*app, *profile.Config) {
	quiet := &app{process: a.process, profileFlag: a.profileFlag, unattended: true, noInput: true}
	quiet.stderr = io.Discard
	config, err := quiet.profiles()
	if err != nil {
		return quiet, nil
	}
	return quiet, config
}

// completeProfile completes the one PROFILE of a command.
func (a *app) completeProfile(c *cobra.Command, given []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(given) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeProfiles(c, given, typed)
}

// completeProfiles completes the names of profiles that are not given yet.
func (a *app) completeProfiles(_ *cobra.Command, given []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	quiet, config := a.quietly()
	if config == nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names := quiet.accountAliases()
	var found []cobra.Completion
	for _, ch := range config.Chains() {
		p := ch[len(ch)-1]
		if !slices.Contains(given, p.Name) {
			found = append(found, cobra.CompletionWithDesc(p.Name, roleWords(p.RoleARN, names)))
		}
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}

// roleWords are account, alias and role of a profile for a line beside its name.
func roleWords(roleARN string, names map[string]string) string {
	arn, err := saml.ParseRoleARN(roleARN)
	if err != nil {
		return "a role of your choice"
	}
	if alias := names[arn.Account]; alias != "" {
		return arn.Account + " (" + alias + ") " + arn.Name
	}
	return arn.Account + " " + arn.Name
}

// completeRoles completes the roles that are known of the gateway, without asking its
// provider: those that were chosen before, and those that profiles of the same provider
// name.
func (a *app) completeRoles(_ *cobra.Command, given []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	quiet, config := a.quietly()
	if config == nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ch, err := quiet.chain(context.Background(), given)
	if err != nil || ch[0].RoleARN != "" { // then none is to be chosen
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var arns []string
	add := func(arn string) {
		if arn != "" && !slices.Contains(arns, arn) {
			arns = append(arns, arn)
		}
	}
	dir, _, err := quiet.state("none", false)
	if err == nil {
		if known, err := quiet.choices(dir).Get(ch[0].Name); err == nil {
			add(known.Role)
			for _, arn := range known.Recent {
				add(arn)
			}
		}
	}
	for _, other := range config.Chains() {
		if len(other) == 1 && hostOf(other[0].SignIn.URL) == hostOf(ch[0].SignIn.URL) {
			add(other[0].RoleARN)
		}
	}
	return roleCompletions(arns, quiet.accountAliases()), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// roleCompletions are the roles as ACCOUNT/NAME.
func roleCompletions(arns []string, names map[string]string) []cobra.Completion {
	var found []cobra.Completion
	for _, text := range arns {
		if arn, err := saml.ParseRoleARN(text); err == nil {
			found = append(found, cobra.CompletionWithDesc(arn.Account+"/"+arn.Name, names[arn.Account]))
		}
	}
	return found
}

// completeExec completes a profile, and behind the dashes a program and its files.
func (a *app) completeExec(c *cobra.Command, given []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return a.completeBefore(a.completeProfile, c, given, typed)
}

// completeEach is completeExec for several profiles.
func (a *app) completeEach(c *cobra.Command, given []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return a.completeBefore(a.completeProfiles, c, given, typed)
}

// completeBefore completes before the dashes as profiles says, and a program behind them.
func (a *app) completeBefore(profiles cobra.CompletionFunc, c *cobra.Command, given []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	dash := slices.Index(a.args, "--")
	switch {
	case dash < 0 || dash == len(a.args)-1 && typed == "--":
		return profiles(c, given, typed)
	case len(a.args)-dash == 2 && !strings.ContainsRune(typed, filepath.Separator):
		return programs(environ.Vars(a.env).Get("PATH"), typed), cobra.ShellCompDirectiveDefault
	}
	return nil, cobra.ShellCompDirectiveDefault
}

// programs are those of PATH whose names begin so.
func programs(path, begin string) []cobra.Completion {
	if begin == "" || runtime.GOOS == "windows" { // too many; or told apart by more than their mode
		return nil
	}
	var found []cobra.Completion
	for _, dir := range filepath.SplitList(path) {
		entries, err := os.ReadDir(dir)
		if err != nil || !filepath.IsAbs(dir) {
			continue
		}
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), begin) {
				continue
			}
			if info, err := os.Stat(filepath.Join(dir, e.Name())); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
				found = append(found, e.Name())
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
