package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sagacheck/sagacheck/internal/yamlfile"
)

// configName is the file of flags that is read where there is one.
const configName = "sagacheck.yaml"

// noConfig is what --config says when that file is not to be read.
const noConfig = "none"

// maxConfig is how many bytes such a file may have.
const maxConfig = 1 << 20

// flagValues are the values of flags, by name: each a word, a number, true or false, or a
// list of them.
type flagValues map[string]any

// Sections are the flags of each command that can have them in the file.
type Sections struct {
	Run     flagValues `yaml:"run,omitempty"`
	Explore flagValues `yaml:"explore,omitempty"`
	Check   flagValues `yaml:"check,omitempty"`
	Compare flagValues `yaml:"compare,omitempty"`
	Mutants flagValues `yaml:"mutants,omitempty"`
	Lint    flagValues `yaml:"lint,omitempty"`
	Merge   flagValues `yaml:"report merge,omitempty" json:"report merge"`
}

// byCommand are the sections by the path of their command.
func (s Sections) byCommand() map[string]flagValues {
	return map[string]flagValues{
		"sagacheck run": s.Run, "sagacheck explore": s.Explore, "sagacheck check": s.Check,
		"sagacheck compare": s.Compare, "sagacheck mutants": s.Mutants, "sagacheck lint": s.Lint,
		"sagacheck report merge": s.Merge,
	}
}

// configFile is the content of the file. What a profile says goes before the rest.
type configFile struct {
	Sections `yaml:",inline"`
	Profiles map[string]Sections `yaml:"profiles,omitempty"`
}

// config says which file of flags is read, and which profile of it.
type config struct {
	file, profile string
}

func (f *config) register(root *cobra.Command, p process) {
	flags := root.PersistentFlags()
	flags.StringVar(&f.file, "config", "", "read flags of commands from this `file` (default: "+configName+" of the working folder, if it is there; \""+noConfig+"\": read none)")
	flags.StringVar(&f.profile, "profile", "", "read those of this profile of the file too: a `name`, such as ci or night")
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error { return usage(f.apply(c, p)) }
}

// apply sets the flags of a command that the file gives and the command line does not, and
// says which.
func (f *config) apply(c *cobra.Command, p process) error {
	command := c.CommandPath()
	if _, ok := (Sections{}).byCommand()[command]; !ok {
		if f.profile != "" || f.file != "" && f.file != noConfig {
			return fmt.Errorf("%s: takes no flags from a file: --config and --profile are for run, explore, check, compare, mutants, lint and report merge", command)
		}
		return nil
	}
	name, file, err := f.read(p)
	if file == nil || err != nil {
		return err
	}
	from := name
	sections := []flagValues{file.byCommand()[command]}
	if f.profile != "" {
		profile, ok := file.Profiles[f.profile]
		if !ok {
			return fmt.Errorf("--profile: %s has no profile %q: expected one of %s", name, f.profile, orNone(file.Profiles))
		}
		from += ", profile " + f.profile
		sections = []flagValues{profile.byCommand()[command], sections[0]}
	}
	var said []string
	given, resumes := map[string]bool{}, resumed(c)
	c.Flags().Visit(func(f *pflag.Flag) { given[f.Name] = true })
	for _, section := range sections {
		for _, flag := range slices.Sorted(maps.Keys(section)) {
			if c.Flags().Changed(flag) || given[another[flag]] || resumes && !slices.Contains(ownFlags, flag) {
				continue
			}
			if err := setFlag(c.Flags(), flag, section[flag]); err != nil {
				return fmt.Errorf("%s: %s: %w", name, flag, err)
			}
			given[flag] = true
			said = append(said, withoutSecrets([]string{"--" + flag, inWords(section[flag])}))
		}
	}
	if len(said) > 0 {
		p.note("", fmt.Sprintf("of %s: %s", from, strings.Join(said, ", ")))
	}
	return nil
}

// resumed tells whether a command goes on with an exploration, whose flags are kept with it.
func resumed(c *cobra.Command) bool {
	f := c.Flags().Lookup("resume")
	return f != nil && f.Changed
}

// read reads the file; nil: there is none, and none was asked for.
func (f *config) read(p process) (name string, file *configFile, err error) {
	switch name = f.file; name {
	case noConfig:
		if f.profile != "" {
			return name, nil, fmt.Errorf("--profile %s: can't be given with --config %s", f.profile, noConfig)
		}
		return name, nil, nil
	case "":
		name = configName
	}
	text, err := yamlfile.Read(name, maxConfig)
	if errors.Is(err, fs.ErrNotExist) && f.file == "" {
		if f.profile != "" {
			return name, nil, fmt.Errorf("--profile %s: there is no %s in the working folder: expected one, or another file by --config", f.profile, configName)
		}
		return name, nil, nil
	}
	if err != nil {
		return name, nil, err
	}
	file, ps := parseConfig(text, p)
	return name, file, ps.Of(name).InOrder().Err()
}

// parseConfig reads the text of a file, and names what is wrong with it anywhere: sections
// of commands and profiles that are not asked for now, too.
func parseConfig(text []byte, p process) (*configFile, yamlfile.Problems) {
	file := &configFile{}
	sh, ps := yamlfile.Decode(text, maxConfig, "a mapping with flags of commands", file, nil)
	if sh == nil {
		return nil, ps
	}
	ps = problems("", file.Sections, p)
	for name, profile := range file.Profiles {
		ps = append(ps, problems("profiles."+name+".", profile, p)...)
	}
	return file, sh.Besides(ps)
}

// problems tries each flag of some sections on commands of their own.
func problems(prefix string, s Sections, p process) (ps yamlfile.Problems) {
	root := newRoot(p)
	for path, flags := range s.byCommand() {
		name := strings.TrimPrefix(path, root.Name()+" ")
		c, _, err := root.Find(strings.Fields(name))
		if err != nil {
			panic(err) // each that has a section is there
		}
		for flag, value := range flags {
			if err := setFlag(c.Flags(), flag, value); err != nil {
				ps.Add(prefix+name+"."+flag, "%v", err)
			}
		}
	}
	return ps
}

// setFlag gives a flag what a file says.
func setFlag(flags *pflag.FlagSet, name string, value any) error {
	flag := flags.Lookup(name)
	switch {
	case flag == nil:
		return fmt.Errorf("unknown flag: expected one that 'sagacheck %s --help' lists", flags.Name())
	case name == "resume":
		return errors.New("belongs to one command line, and to no file")
	}
	items, isList := value.([]any)
	if !isList {
		items = []any{value}
	}
	words := make([]string, len(items))
	for i, item := range items {
		_, isText := item.(string)
		switch item.(type) {
		case nil, map[string]any, []any:
			return errors.New("expected a word, a number, true or false, or a list of them")
		}
		words[i] = fmt.Sprint(item)
		if strings.HasPrefix(flag.Value.Type(), "string") && !isText { // 010 would be 8
			return fmt.Errorf("%s: expected a text (put numbers and words like true into quotes)", words[i])
		}
		if known := wordsOf[name]; known != nil && !slices.Contains(known, words[i]) {
			return fmt.Errorf("%q: expected one of %s", words[i], strings.Join(known, ", "))
		}
	}
	if _, ok := flag.Value.(pflag.SliceValue); ok && !isList {
		return flags.Set(name, words[0]) // with commas, as on the command line
	}
	return setWords(flags, flag, words, isList)
}

// setWords gives a flag its value in words; more than one only if it takes a list.
func setWords(flags *pflag.FlagSet, flag *pflag.Flag, words []string, asList bool) error {
	if list, ok := flag.Value.(pflag.SliceValue); ok {
		flag.Changed = true
		return list.Replace(words)
	}
	if len(words) != 1 || asList {
		return errors.New("a list: expected one value")
	}
	if err := flags.Set(flag.Name, words[0]); err != nil {
		return fmt.Errorf("%q: expected %s", words[0], expectedOf[flag.Value.Type()])
	}
	return nil
}

// expectedOf is what flags of a type take, in words.
var expectedOf = map[string]string{
	"bool": "true or false", "int": "a whole number", "uint": "a whole number of 0 or more", "uint64": "a whole number of 0 or more", "float64": "a number",
	"duration": "a duration such as 90s or 10m", "string": "a text",
}

// inWords is a value as one would give it on the command line.
func inWords(value any) string {
	if items, ok := value.([]any); ok {
		words := make([]string, len(items))
		for i, item := range items {
			words[i] = fmt.Sprint(item)
		}
		return strings.Join(words, ",")
	}
	return fmt.Sprint(value)
}

// orNone are the names of some profiles.
func orNone(profiles map[string]Sections) string {
	if len(profiles) == 0 {
		return "none: there are no profiles"
	}
	return strings.Join(slices.Sorted(maps.Keys(profiles)), ", ")
}
