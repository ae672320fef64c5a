package reference

// equivalents change the behaviour and break nothing.
var equivalents = []Defect{
	{
		Name: "sequential-branches", Equivalent: true, Needs: "steps side by side",
		Description: "independent steps run one after the other",
	},
	{
		Name: "compensate-one-at-a-time", Equivalent: true, Needs: "a rollback of steps side by side",
		Description: "independent compensations run one after the other",
	},
	{
		Name: "narrow-jitter", Equivalent: true, Needs: "a transient error",
		Description: "waits are drawn from the inner four fifths of their band",
	},
	{
		Name: "commit-one-by-one", Equivalent: true, Needs: anywhere,
		Description: "every entry has a commit of its own",
	},
	{
		Name: "extra-checkpoints", Equivalent: true, Needs: anywhere,
		Description: "every entry of the journal is followed by an empty one",
	},
	{
		Name: "intents-apart", Equivalent: true, Needs: anywhere,
		Description: "the intent of a first attempt has a commit of its own",
	},
	{
		Name: "hashed-keys", Equivalent: true, Needs: anywhere,
		Description: "keys are hashes, which tell nothing and are as stable",
	},
	{
		Name: "unhurried-start", Equivalent: true, Needs: anywhere,
		Description: "each operation waits a few milliseconds before its first attempt",
	},
}
