package main

import (
	"context"
	"encoding/json"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
)

const patience = 30 * time.Second

type none struct{}

func ready(c client.Client) (any, error) {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	for {
		// A queue can be asked about once the namespace is known everywhere.
		_, err := c.DescribeTaskQueue(ctx, "ready", enums.TASK_QUEUE_TYPE_WORKFLOW)
		if err == nil || ctx.Err() != nil {
			return none{}, err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func start(c client.Client, queue, name, id string, input json.RawMessage) (any, error) {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: queue,
		WorkflowExecutionErrorWhenAlreadyStarted: true}, name, input)
	if err != nil {
		return nil, err
	}
	return map[string]string{"run": run.GetRunID()}, nil
}

// Outcome has a result or the chain of errors.
type Outcome struct {
	Result json.RawMessage `json:"result,omitempty"`
	Error  []Link          `json:"error,omitempty"`
}

func result(c client.Client, id string) (any, error) {
	var value json.RawMessage
	if err := c.GetWorkflow(context.Background(), id, "").Get(context.Background(), &value); err != nil {
		return Outcome{Error: links(err)}, nil
	}
	return Outcome{Result: value}, nil
}

func signal(c client.Client, id, name string) (any, error) {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	return none{}, c.SignalWorkflow(ctx, id, "", name, nil)
}

func cancel(c client.Client, id string) (any, error) {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	return none{}, c.CancelWorkflow(ctx, id, "")
}

func terminate(c client.Client, id string) (any, error) {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	return none{}, c.TerminateWorkflow(ctx, id, "", "the test is done with it")
}

func query(c client.Client, id, name string) (any, error) {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	value, err := c.QueryWorkflow(ctx, id, "", name)
	if err != nil {
		return nil, err
	}
	var answer json.RawMessage
	return &answer, value.Get(&answer)
}

// Pending is an activity that is not over.
type Pending struct {
	Type    string          `json:"type"`
	State   string          `json:"state"`
	Attempt int32           `json:"attempt"`
	Worker  string          `json:"worker,omitempty"`
	Details json.RawMessage `json:"details,omitempty"`
	Failure string          `json:"failure,omitempty"`
}

// Running is what a workflow does now.
type Running struct {
	Status  string    `json:"status"`
	Pending []Pending `json:"pending"`
}

func describe(c client.Client, id string) (any, error) {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	description, err := c.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return nil, err
	}
	running := Running{Status: description.GetWorkflowExecutionInfo().GetStatus().String(), Pending: []Pending{}}
	for _, a := range description.GetPendingActivities() {
		one := Pending{Type: a.GetActivityType().GetName(), State: a.GetState().String(), Attempt: a.GetAttempt(),
			Worker: a.GetLastWorkerIdentity(), Failure: a.GetLastFailure().GetMessage()}
		if details := a.GetHeartbeatDetails(); details != nil {
			if err := converter.GetDefaultDataConverter().FromPayloads(details, &one.Details); err != nil {
				return nil, err
			}
		}
		running.Pending = append(running.Pending, one)
	}
	return running, nil
}

// Event is for a person who looks for why a scenario failed.
type Event struct {
	Type string `json:"type"`
	All  string `json:"all"`
}

func history(c client.Client, id string) (any, error) {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	events := c.GetWorkflowHistory(ctx, id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	all := []Event{}
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return nil, err
		}
		all = append(all, Event{Type: event.GetEventType().String(), All: event.String()})
	}
	return all, nil
}
