package main

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// Goes is the signal that lets a workflow go on whose session is open.
const Goes = "go"

func waitToGo(ctx workflow.Context) { workflow.GetSignalChannel(ctx, Goes).Receive(ctx, nil) }

type FilesResult struct {
	Where
	Greeting string   `json:"greeting"`
	Note     string   `json:"note"`
	Folders  []string `json:"folders"`
}

// Files: activities one after another in a session find the files of those before. Activities outside of it are nobody else's.
func Files(ctx workflow.Context, terms Terms) (*FilesResult, error) {
	ctx = withAttempts(ctx, 1)
	result := &FilesResult{}
	if err := workflow.ExecuteActivity(ctx, Greet, "berth").Get(ctx, &result.Greeting); err != nil {
		return nil, err
	}
	session, err := workflow.CreateSession(ctx, terms.options())
	if err != nil {
		return nil, err
	}
	defer workflow.CompleteSession(session)
	result.Where = where(session)
	first, err := shell(session, "echo one > note; pwd")
	if err != nil {
		return nil, err
	}
	if result.Note, err = shell(session, "cat note"); err != nil {
		return nil, err
	}
	again, err := shell(session, "pwd")
	if err != nil {
		return nil, err
	}
	result.Folders = []string{first, again}
	return result, nil
}

type HeldResult struct {
	Where
	Note string `json:"note"`
}

// Held: a session stays open until the workflow is told to go on.
func Held(ctx workflow.Context, terms Terms) (*HeldResult, error) {
	ctx = withAttempts(ctx, 1)
	session, err := workflow.CreateSession(ctx, terms.options())
	if err != nil {
		return nil, err
	}
	defer workflow.CompleteSession(session)
	result := &HeldResult{Where: where(session)}
	if _, err = shell(session, "echo "+result.Session+" > note"); err != nil {
		return nil, err
	}
	waitToGo(session)
	result.Note, err = shell(session, "cat note")
	return result, err
}

// Two: a workflow may have several sessions.
func Two(ctx workflow.Context, terms Terms) ([]HeldResult, error) {
	ctx = withAttempts(ctx, 1)
	sessions, results := []workflow.Context{}, []HeldResult{}
	for range 2 {
		session, err := workflow.CreateSession(ctx, terms.options())
		if err != nil {
			return nil, err
		}
		defer workflow.CompleteSession(session)
		sessions, results = append(sessions, session), append(results, HeldResult{Where: where(session)})
	}
	waitToGo(ctx)
	for n, session := range sessions {
		var err error
		if results[n].Note, err = shell(session, "echo "+results[n].Session); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// Sleeps: a command that nobody waits for until its end.
func Sleeps(ctx workflow.Context, terms Terms) error {
	session, err := workflow.CreateSession(ctx, terms.options())
	if err != nil {
		return err
	}
	defer workflow.CompleteSession(session)
	session = withHeartbeat(session, 3*time.Second)
	return launch(session, "sleep", terms.Sleep).Get(session, nil)
}

type FailsResult struct {
	Where
	Failure []Link                `json:"failure"`
	Exit    int                   `json:"exit"`
	Unknown []Link                `json:"unknown"`
	Tries   string                `json:"tries"`
	State   workflow.SessionState `json:"state"`
}

// Fails: an activity that fails is tried again as its retry policy says, and its session goes on. The status of a command that
// was asked for by "exec" is a result.
func Fails(ctx workflow.Context, terms Terms) (*FailsResult, error) {
	session, err := workflow.CreateSession(ctx, terms.options())
	if err != nil {
		return nil, err
	}
	defer workflow.CompleteSession(session)
	session = withAttempts(session, 2)
	result := &FailsResult{Where: where(session)}
	result.Failure = links(workflow.ExecuteActivity(session, "fail").Get(session, nil))
	var done ExecResult
	if err := launch(session, "sh", "-c", "exit 4").Get(session, &done); err != nil {
		return nil, err
	}
	result.Exit = done.ExitStatus
	result.Unknown = links(workflow.ExecuteActivity(withAttempts(session, 1), "no-such-activity").Get(session, nil))
	result.State = workflow.GetSessionInfo(session).SessionState
	result.Tries, err = shell(session, "wc -l < tries")
	return result, err
}

type LostResult struct {
	Sessions []Where `json:"sessions"`
	// Of the first session: how the activity ended that ran, the state just after, and what came of the next activity.
	Running  []Link                `json:"running"`
	State    workflow.SessionState `json:"state"`
	Next     string                `json:"next"`
	IsFailed bool                  `json:"isFailed"`
	// Of the second one.
	Note string `json:"note"`
}

// Lost: a session whose host goes down is made anew, from its first step.
func Lost(ctx workflow.Context, terms Terms) (*LostResult, error) {
	result := &LostResult{}
	for len(result.Sessions) < 3 {
		if err := result.attempt(ctx, terms); !errors.Is(err, workflow.ErrSessionFailed) {
			return result, err
		}
	}
	return nil, errors.New("three sessions were lost")
}

func (r *LostResult) attempt(ctx workflow.Context, terms Terms) error {
	session, err := workflow.CreateSession(ctx, terms.options())
	if err != nil {
		return err
	}
	defer workflow.CompleteSession(session)
	r.Sessions = append(r.Sessions, where(session))
	session = withHeartbeat(session, 40*time.Second)
	if r.Note, err = shell(session, "cat note 2>/dev/null || echo new > note; cat note"); err != nil {
		return err
	}
	if len(r.Sessions) > 1 {
		return nil
	}
	running := launch(session, "sleep", terms.Sleep).Get(session, nil)
	r.Running = links(running)
	r.State = workflow.GetSessionInfo(session).SessionState
	_, next := shell(session, "true")
	if next != nil {
		r.Next = next.Error()
	}
	r.IsFailed = errors.Is(next, workflow.ErrSessionFailed)
	return next
}

// Handover is what a run leaves to the next.
type Handover struct {
	Terms
	Token []byte `json:"token,omitempty"`
	First Where  `json:"first"`
}

type RecreateResult struct {
	First Where  `json:"first"`
	Next  Where  `json:"next"`
	Note  string `json:"note"`
}

// Recreate: a second run goes on in a session on the worker of the first run's.
func Recreate(ctx workflow.Context, in Handover) (*RecreateResult, error) {
	ctx = withAttempts(ctx, 1)
	if in.Token == nil {
		session, err := workflow.CreateSession(ctx, in.options())
		if err != nil {
			return nil, err
		}
		in.First, in.Token = where(session), workflow.GetSessionInfo(session).GetRecreateToken()
		_, err = shell(session, "echo from the first run > note")
		workflow.CompleteSession(session)
		if err != nil {
			return nil, err
		}
		return nil, workflow.NewContinueAsNewError(ctx, Recreate, in)
	}
	session, err := workflow.RecreateSession(ctx, in.Token, in.options())
	if err != nil {
		return nil, err
	}
	defer workflow.CompleteSession(session)
	result := &RecreateResult{First: in.First, Next: where(session)}
	result.Note, err = shell(session, "cat note")
	return result, err
}

type LongResult struct {
	Where
	Steps struct {
		Done int `json:"done"`
	} `json:"steps"`
	Spanned string                `json:"spanned"`
	State   workflow.SessionState `json:"state"`
}

// Long: two activities run side by side in a session until a third ends them; one of them reports its progress.
func Long(ctx workflow.Context, terms Terms) (*LongResult, error) {
	session, err := workflow.CreateSession(ctx, terms.options())
	if err != nil {
		return nil, err
	}
	defer workflow.CompleteSession(session)
	result := &LongResult{Where: where(session)}
	long := withHeartbeat(session, seconds(terms.Beat, 2))
	steps := workflow.ExecuteActivity(long, "steps", map[string]string{"until": "enough"})
	command := launch(long, "sh", "-c", "until [ -e enough ]; do sleep 0.1; done; echo spanned")
	waitToGo(session)
	if _, err := shell(withAttempts(session, 3), "touch enough"); err != nil {
		return nil, err
	}
	if err := steps.Get(session, &result.Steps); err != nil {
		return nil, err
	}
	result.State = workflow.GetSessionInfo(session).SessionState
	result.Spanned, err = output(session, command)
	return result, err
}

// Link is one error of a chain, from the outside in.
type Link struct {
	Kind         string         `json:"kind"`
	Message      string         `json:"message"`
	Type         string         `json:"type,omitempty"`
	NonRetryable bool           `json:"nonRetryable,omitempty"`
	Timeout      string         `json:"timeout,omitempty"`
	Activity     string         `json:"activity,omitempty"`
	Details      map[string]any `json:"details,omitempty"`
}

func links(err error) []Link {
	chain := []Link{}
	for ; err != nil; err = errors.Unwrap(err) {
		link := Link{Kind: "error", Message: err.Error()}
		switch e := err.(type) {
		case *temporal.WorkflowExecutionError:
			link.Kind = "WorkflowExecutionError"
		case *temporal.ActivityError:
			link.Kind, link.Activity = "ActivityError", e.ActivityType().GetName()
		case *temporal.ApplicationError:
			link.Kind, link.Message, link.Type, link.NonRetryable = "ApplicationError", e.Message(), e.Type(), e.NonRetryable()
			if e.HasDetails() {
				_ = e.Details(&link.Details) // Others than ours may have details of any kind.
			}
		case *temporal.TimeoutError:
			link.Kind, link.Message, link.Timeout = "TimeoutError", e.Message(), e.TimeoutType().String()
		case *temporal.CanceledError:
			link.Kind = "CanceledError"
		case *temporal.TerminatedError:
			link.Kind = "TerminatedError"
		}
		chain = append(chain, link)
	}
	return chain
}
