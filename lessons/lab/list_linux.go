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
		roleOf("speak"):     experimentRole(runSpeak),

		"hold":         playHold,
		"follow turns": playFollowTurns,
		"switch":       experimentRole(measureSwitch),
		"speak":        playSpeak,
		"wait":         playWait,
		"look":         playLook,
		"cell":         playCell,
		"read other":   playReadOther,
		"write pipe":   playWritePipe,
		"read pipe":    playReadPipe,
		"tick":         playTick,
		"crash":        playCrash,
	}
}
