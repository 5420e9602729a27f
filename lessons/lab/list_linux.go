package lab

// roles are what a fresh process of this package may be executed for.
func roles() map[string]role {
	return map[string]role{
		roleOf("load"):      experimentRole(runLoad),
		roleOf("look"):      experimentRole(runLook),
		roleOf("isolation"): experimentRole(runIsolation),
		roleOf("pipe"):      experimentRole(runPipe),
		roleOf("crash"):     experimentRole(runCrash),
		roleOf("creation"):  experimentRole(runCreation),
		roleOf("memory"):    experimentRole(runMemory),
		roleOf("switch"):    experimentRole(runSwitch),
		roleOf("managed"):   experimentRole(runManaged),
		roleOf("go"):        experimentRole(runGo),
		roleOf("main"):      experimentRole(runMain),
		roleOf("blocking"):  experimentRole(runBlocking),
		roleOf("blocking"):  experimentRole(runBlocking),
		roleOf("speak"):     experimentRole(runSpeak),

		roleOf("threads"):    experimentRole(runThreads),
		roleOf("ipc"):        experimentRole(runIPC),
		roleOf("stack"):      experimentRole(runStack),
		roleOf("pthread"):    experimentRole(runPthread),
		roleOf("many"):       experimentRole(runMany),
		roleOf("workingset"): experimentRole(runWorkingSet),
		roleOf("threadonly"): experimentRole(runThreadOnly),

		"measure ipc":        experimentRole(measureIPC),
		"measure workingset": experimentRole(measureWorkingSet),
		"echo":               playEcho,
		"pile up":            playPileUp,
		"hold":               playHold,
		"follow turns":       playFollowTurns,
		"switch":             experimentRole(measureSwitch),
		"speak":              playSpeak,
		"wait":               playWait,
		"look":               playLook,
		"cell":               playCell,
		"read other":         playReadOther,
		"write pipe":         playWritePipe,
		"read pipe":          playReadPipe,
		"tick":               playTick,
		"crash":              playCrash,
		"wait for bytes":     playWaitForBytes,
		"hand off":           playHandOff,
		"serve":              playServe,
	}
}
