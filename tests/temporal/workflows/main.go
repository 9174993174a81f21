// Workflows with sessions as users write them for Temporal's Go SDK, and what starts and watches them.
//
//	temporal-workflows [--address HOST:PORT] [--task-queue NAME] COMMAND
//
//	ready                         waits until Temporal serves
//	worker                        workflows and ordinary activities; sessions are somebody else's work
//	session-worker SLOTS          the SDK's own session worker, as the reference
//	start TYPE ID INPUT-JSON      starts a workflow
//	result ID                     waits for its end
//	signal ID NAME | cancel ID | terminate ID
//	query ID TYPE
//	describe ID                   its status, and its activities that are scheduled or run
//	history ID                    its events
//
// All but the workers print one line of JSON.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"strconv"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("temporal-workflows: ")
	address := flag.String("address", "127.0.0.1:7233", "Temporal's frontend")
	queue := flag.String("task-queue", "workflows", "task queue of the workflows")
	flag.Parse()
	c, err := client.NewLazyClient(client.Options{HostPort: *address})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	answer, err := command(c, *queue, flag.Args())
	if err != nil {
		log.Fatal(err)
	}
	if answer != nil {
		if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
			log.Fatal(err)
		}
	}
}

func command(c client.Client, queue string, arguments []string) (any, error) {
	if len(arguments) == 0 {
		return nil, errors.New("which command?")
	}
	name, rest := arguments[0], arguments[1:]
	wanted, known := map[string]int{"ready": 0, "worker": 0, "session-worker": 1, "start": 3, "result": 1, "signal": 2,
		"cancel": 1, "terminate": 1, "query": 2, "describe": 1, "history": 1}[name]
	if !known || len(rest) != wanted {
		return nil, fmt.Errorf("no command, or not its arguments: %q", arguments)
	}
	switch name {
	case "ready":
		return ready(c)
	case "worker":
		return nil, serve(ordinaryWorker(c, queue))
	case "session-worker":
		slots, err := strconv.Atoi(rest[0])
		if err != nil {
			return nil, err
		}
		w, err := sessionWorker(c, queue, slots)
		if err != nil {
			return nil, err
		}
		return nil, serve(w)
	case "start":
		return start(c, queue, rest[0], rest[1], json.RawMessage(rest[2]))
	case "query":
		return query(c, rest[0], rest[1])
	case "signal":
		return signal(c, rest[0], rest[1])
	}
	return map[string]func(client.Client, string) (any, error){"result": result, "cancel": cancel, "terminate": terminate,
		"describe": describe, "history": history}[name](c, rest[0])
}

func serve(w worker.Worker) error { return w.Run(worker.InterruptCh()) }
