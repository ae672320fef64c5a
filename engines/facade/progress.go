package facade

// Progress is how far a saga has come, and what to do next; the engines keep it in
// their way. Steps run by their After; deferrable ones at the end, when the saga
// counts as completed already.
type Progress struct {
	Definition Definition
	Status     string
	States     []string // of the steps
	Undo       []int    // steps that were started, in that order
}

// NewProgress is a saga that begins.
func NewProgress(d Definition) *Progress {
	p := &Progress{Definition: d, Status: Running, States: make([]string, len(d.Steps))}
	for i, s := range d.Steps {
		p.States[i] = Pending
		if s.Kind == Deferrable {
			p.States[i] = Deferred
		}
	}
	return p
}

// Report is the progress as the contract's answer.
func (p *Progress) Report() Report {
	r := Report{ID: p.Definition.ID, Status: p.Status}
	for i, s := range p.Definition.Steps {
		state := p.States[i]
		if state == Deferred && p.Status != Completed { // it has no turn yet, and none after a failure
			state = Pending
		}
		r.Steps = append(r.Steps, StepStatus{Name: s.Name, Status: state})
	}
	return r
}

// Ready tells whether what comes before step i is done. A deferrable step holds
// nobody up: what is after it waits for what is before it.
func (p *Progress) Ready(i int) bool {
	for _, j := range p.Definition.Predecessors(i) {
		if p.Definition.Steps[j].Kind == Deferrable {
			if !p.Ready(j) {
				return false
			}
		} else if p.States[j] != Succeeded {
			return false
		}
	}
	return true
}

// Next is the first step whose turn has come.
func (p *Progress) Next() (int, bool) {
	for i, s := range p.States {
		if s == Pending && p.Ready(i) {
			return i, true
		}
	}
	return 0, false
}

// PastPivot tells whether the point of no return has been passed.
func (p *Progress) PastPivot() bool {
	for i, s := range p.Definition.Steps {
		if s.Kind == Pivot && p.States[i] == Succeeded {
			return true
		}
	}
	return false
}

// Started notes that a step is being called: from now on it may have happened.
func (p *Progress) Started(i int) {
	p.States[i] = Running
	p.Undo = append(p.Undo, i)
}

// Ended notes how a step's action ended. A step that was refused is compensated
// all the same: an attempt before the refused one may have been done and not
// answered, or be on its way.
func (p *Progress) Ended(i int, err error) {
	p.States[i] = Succeeded
	if err != nil {
		p.States[i] = Failed
	}
}

// Action is the operation that does step i.
func (p *Progress) Action(i int) Operation {
	s := p.Definition.Steps[i]
	return Operation{p.Definition.ID, s.Name, "action", s.Action}
}

// Compensation is the operation that undoes step i; ok is false where nothing is
// to be undone.
func (p *Progress) Compensation(i int) (o Operation, ok bool) {
	s := p.Definition.Steps[i]
	if s.Compensation == nil {
		return Operation{}, false
	}
	return Operation{p.Definition.ID, s.Name, "compensation", *s.Compensation}, true
}
