package lab

// experiments lists all, in the order of the article.
func experiments() []Experiment {
	return []Experiment{
		entry[LoadParams]("load", "A file becomes a process", judgeLoad, "P1"),
		entry[LookParams]("look", "What a process has for itself", judgeLook, "P2"),
		entry[IsolationParams]("isolation", "One address, two processes, two values", judgeIsolation, "P3"),
		entry[PipeParams]("pipe", "A message needs a pipe", judgePipe, "P4"),
		entry[CrashParams]("crash", "Who survives a crash", judgeCrash, "P5", "T5"),
		entry[ThreadsParams]("threads", "What threads share, and what each has", judgeThreads, "T1", "T2", "T3"),
		entry[IPCParams]("ipc", "A message between two", judgeIPC, "T4", "P4"),
		entry[SwitchParams]("switch", "What a switch takes", judgeSwitch, "P6", "T6", "L3", "L4"),
		entry[WorkingSetParams]("workingset", "A switch with something to remember", judgeWorkingSet, "P6"),
		entry[StackParams]("stack", "The stack of a thread", judgeStack, "H1"),
		entry[PthreadParams]("pthread", "The C witness", judgePthread, "H2"),
		entry[ManyParams]("many", "Ever more of them", judgeMany, "H4", "L5"),
		entry[MemoryParams]("memory", "What one more takes in memory", judgeMemory, "P7", "L1", "L5"),
		entry[CreationParams]("creation", "What one more takes in time", judgeCreation, "P7", "H2"),
		entry[ManagedParams]("managed", "Threads under goroutines", judgeManaged, "G1", "M1"),
		entry[GoParams]("go", "The go statement", judgeGo, "G2"),
		entry[MainParams]("main", "What main runs as", judgeMain, "G3"),
		entry[OneAtATimeParams]("oneatatime", "One at a time on each P", judgeOneAtATime, "M2"),
		entry[PreemptionParams]("preemption", "A loop that never yields", judgePreemption),
		entry[GrowthParams]("growth", "A stack that grows", judgeGrowth, "L1", "L2"),
		entry[StealingParams]("stealing", "Who runs what one goroutine started", judgeStealing, "W1", "W2", "W3", "W4"),
		entry[BlockingParams]("blocking", "Waiting: who blocks, who goes on", judgeBlocking, "M3", "H3", "B1", "B2", "B3", "B4", "B5", "B6"),
		entry[ForkJoinParams]("forkjoin", "Forking and joining", judgeForkJoin, "F1", "F2", "F3"),
		entry[ContentionParams]("contention", "One counter, many goroutines", judgeContention, "F6"),
		entry[LostUpdatesParams]("lostupdates", "Additions that get lost", judgeLostUpdates, "F6", "F7"),
		entry[RaceParams]("race", "The race detector", judgeRace, "F7"),
		entry[ThreeWaysParams]("threeways", "Three jobs, three ways", judgeThreeWays, "U1", "U3"),
		entry[LadderParams]("ladder", "Process, thread, goroutine", judgeLadder, "E1", "E2"),
		entry[ThreadOnlyParams]("threadonly", "What only a thread can have", judgeThreadOnly, "U2"),
		entry[SpeakParams]("speak", "The article's example", judgeSpeak, "G4", "F4", "F5"),
	}
}

// entry makes an Experiment of its parts; P is its Params type.
func entry[P any](name, title string, judge func(*Result), claims ...string) Experiment {
	return Experiment{Name: name, Title: title, Claims: claims, judge: judge, params: func() any { return new(P) }}
}
