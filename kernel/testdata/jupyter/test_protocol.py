"""What jupyter_kernel_test leaves out, by jupyter_client: comms, stdin, control,
shutdown, signatures, several clients, late output, abort. Every message that
comes back is validated against jupyter_kernel_test's schemas."""
import json
import os
import time
import unittest
from queue import Empty

import zmq
from jupyter_client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel
from jupyter_kernel_test.msgspec_v5 import schema_fragments, validate_message

TIMEOUT = 20

# The schemas of jupyter_kernel_test stop at 5.1, and leave out comms.
data = {"type": "object"}
schema_fragments.update(
    comm_open={"properties": {"comm_id": {"type": "string"}, "target_name": {"type": "string"}, "data": data}},
    comm_msg={"properties": {"comm_id": {"type": "string"}, "data": data}},
    comm_close={"properties": {"comm_id": {"type": "string"}, "data": data}},
    iopub_welcome={"properties": {"subscription": {"type": "string"}}},
    usage_reply={"properties": {}, "required": []},
    nonsense_reply={"properties": {"status": {"const": "error"}}},
)
schema_fragments["input_request"] = {
    "properties": {"prompt": {"type": "string"}, "password": {"type": "boolean"}}
}

def check(msg):
    # jupyter_kernel_test calls it "abort", the specification "aborted".
    if msg["content"].get("status") != "aborted":
        validate_message(msg)
    return msg


def connect(km):
    """A client of its own session, as another front end is. (km.client() gives
    all the same session, and so the same msg_ids.)"""
    kc = BlockingKernelClient(connection_file=km.connection_file)
    kc.load_connection_file()
    kc.start_channels()
    kc.wait_for_ready(timeout=TIMEOUT)
    return kc


class Front:
    """One client, which keeps what comes by IOPub."""

    def __init__(self, kc):
        self.kc = kc
        self.iopub = []

    def take(self, timeout=TIMEOUT):
        msg = check(self.kc.get_iopub_msg(timeout=timeout))
        self.iopub.append(msg)
        return msg

    def until(self, wanted, timeout=TIMEOUT):
        """Take messages until one is wanted, looking at old ones first."""
        for msg in self.iopub:
            if wanted(msg):
                return msg
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            try:
                msg = self.take(timeout=0.2)
            except Empty:
                continue
            if wanted(msg):
                return msg
        raise AssertionError("not seen: " + json.dumps([m["msg_type"] for m in self.iopub]))

    def idle(self, msg_id):
        self.until(
            lambda m: m["parent_header"].get("msg_id") == msg_id
            and m["content"].get("execution_state") == "idle"
        )
        return [m for m in self.iopub if m["parent_header"].get("msg_id") == msg_id]

    def reply(self, msg_id, channel="shell"):
        get = self.kc.get_shell_msg if channel == "shell" else self.kc.get_control_msg
        while True:
            msg = check(get(timeout=TIMEOUT))
            if msg["parent_header"].get("msg_id") == msg_id:
                return msg

    def run(self, code, **kw):
        msg_id = self.kc.execute(code, **kw)
        return self.reply(msg_id), self.idle(msg_id)

    def ask(self, msg_type, content, channel="shell"):
        msg = self.kc.session.msg(msg_type, content)
        getattr(self.kc, channel + "_channel").send(msg)
        return msg["header"]["msg_id"]


def text(msgs, name="stdout"):
    return "".join(
        m["content"]["text"] for m in msgs if m["msg_type"] == "stream" and m["content"]["name"] == name
    )


class ProtocolTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.km, cls.kc = start_new_kernel(kernel_name="spindle", startup_timeout=60)
        cls.front = Front(cls.kc)
        cls.front.run('import ("fmt"; "time")')

    @classmethod
    def tearDownClass(cls):
        cls.kc.stop_channels()
        cls.km.shutdown_kernel()

    def second(self):
        kc = connect(self.km)
        self.addCleanup(kc.stop_channels)
        return Front(kc)

    def test_busy_and_idle_around_every_request(self):
        for channel, msg_type, content in [
            ("shell", "kernel_info_request", {}),
            ("control", "kernel_info_request", {}),
            ("shell", "comm_info_request", {}),
            ("shell", "is_complete_request", {"code": "1"}),
            ("shell", "complete_request", {"code": "fm", "cursor_pos": 2}),
            ("shell", "inspect_request", {"code": "fmt.Println", "cursor_pos": 11, "detail_level": 0}),
            ("shell", "history_request", {"output": False, "raw": True, "hist_access_type": "tail", "n": 1}),
            ("control", "usage_request", {}),
            ("shell", "nonsense_request", {}),
        ]:
            with self.subTest(msg_type, channel=channel):
                msg_id = self.front.ask(msg_type, content, channel)
                msgs = self.front.idle(msg_id)
                states = [m["content"]["execution_state"] for m in msgs if m["msg_type"] == "status"]
                self.assertEqual(states, ["busy", "idle"])
                self.front.reply(msg_id, channel)

    def test_streams_are_in_order_and_before_idle(self):
        reply, msgs = self.front.run('for i := 0; i < 1000; i++ { fmt.Println(i) }')
        self.assertEqual(reply["content"]["status"], "ok")
        self.assertEqual(text(msgs), "".join(f"{i}\n" for i in range(1000)))
        self.assertEqual(msgs[-1]["content"]["execution_state"], "idle")
        self.assertLessEqual(sum(m["msg_type"] == "stream" for m in msgs), 20)

    def test_user_expressions(self):
        reply, _ = self.front.run("ue := 20", user_expressions={"good": "ue + 1", "bad": "nowhere"})
        got = reply["content"]["user_expressions"]
        self.assertEqual(got["good"]["status"], "ok")
        self.assertEqual(got["good"]["data"]["text/plain"], "21")
        self.assertEqual(got["bad"]["status"], "error")
        self.assertIn("nowhere", got["bad"]["evalue"])

    def test_silent_and_counter(self):
        first, _ = self.front.run("1")
        reply, msgs = self.front.run("2", silent=True)
        self.assertEqual(reply["content"]["status"], "ok")
        self.assertEqual([m["msg_type"] for m in msgs], ["status", "status"])
        _, msgs = self.front.run("3", store_history=False)
        self.assertIn("execute_result", [m["msg_type"] for m in msgs])
        last, _ = self.front.run("4")
        self.assertEqual(last["content"]["execution_count"], first["content"]["execution_count"] + 1)

    def test_error_and_abort(self):
        fails = self.kc.execute('time.Sleep(200*time.Millisecond); panic("boom")')
        behind = [self.kc.execute("1"), self.kc.execute("2")]
        reply = self.front.reply(fails)
        self.assertEqual(reply["content"]["status"], "error")
        for key in ("ename", "evalue", "traceback"):
            self.assertIn(key, reply["content"])
        self.assertIn("boom", reply["content"]["evalue"])
        for msg_id in behind:
            self.assertEqual(self.front.reply(msg_id)["content"]["status"], "aborted")
            msgs = self.front.idle(msg_id)
            self.assertEqual([m["msg_type"] for m in msgs], ["status", "status"])
        keeps = self.kc.execute('time.Sleep(100*time.Millisecond); panic("x")', stop_on_error=False)
        behind = self.kc.execute("3")
        self.assertEqual(self.front.reply(keeps)["content"]["status"], "error")
        self.assertEqual(self.front.reply(behind)["content"]["status"], "ok")

    def test_interrupt_keeps_values_or_says_so(self):
        self.front.run("kept := 41")
        msg_id = self.kc.execute("for {\n}")
        behind = self.kc.execute("1")
        time.sleep(0.3)
        begun = time.monotonic()
        control = self.front.ask("interrupt_request", {}, "control")
        self.assertEqual(self.front.reply(control, "control")["content"]["status"], "ok")
        self.assertLess(time.monotonic() - begun, 1)
        interrupted = self.front.reply(msg_id)["content"]
        self.assertEqual(interrupted["status"], "error")
        self.assertEqual(self.front.reply(behind)["content"]["status"], "aborted")
        told = " ".join(interrupted["traceback"])
        reply, _ = self.front.run("kept + 1")
        if "Nothing was lost" in told:
            self.assertEqual(reply["content"]["status"], "ok", reply["content"])
        else:  # on a machine too busy to stop the cell in time
            self.assertEqual(reply["content"]["status"], "error", told)

    def test_stdin(self):
        msg_id = self.kc.execute('var name string\nfmt.Print("who? ")\nfmt.Scanln(&name)\nfmt.Println("hello", name)', allow_stdin=True)
        request = check(self.kc.get_stdin_msg(timeout=TIMEOUT))
        self.assertEqual(request["msg_type"], "input_request")
        self.assertEqual(request["parent_header"]["msg_id"], msg_id)
        self.kc.input("ann")
        self.assertEqual(self.front.reply(msg_id)["content"]["status"], "ok")
        self.assertIn("hello ann", text(self.front.idle(msg_id)))

    def test_stdin_refused_and_interrupted(self):
        msg_id = self.kc.execute("var s1 string\nfmt.Println(fmt.Scanln(&s1))", allow_stdin=False)
        self.front.reply(msg_id)
        self.front.idle(msg_id)
        with self.assertRaises(Empty):
            self.kc.get_stdin_msg(timeout=0.2)
        msg_id = self.kc.execute("var s2 string\nfmt.Scanln(&s2)", allow_stdin=True)
        check(self.kc.get_stdin_msg(timeout=TIMEOUT))
        self.km.interrupt_kernel()
        self.assertEqual(self.front.reply(msg_id)["content"]["status"], "error")
        reply, _ = self.front.run("1 + 1")
        self.assertEqual(reply["content"]["status"], "ok")

    def test_late_output_goes_to_its_cell(self):
        reply, msgs = self.front.run('go func() { time.Sleep(300 * time.Millisecond); fmt.Println("late") }()')
        first = msgs[0]["parent_header"]["msg_id"]
        self.assertNotIn("late", text(msgs))
        _, second = self.front.run('fmt.Println("second"); time.Sleep(600 * time.Millisecond)')
        self.assertEqual(text(second), "second\n")
        self.front.until(lambda m: m["content"].get("text") == "late\n" and m["parent_header"]["msg_id"] == first)

    def test_two_clients(self):
        other = self.second()
        self.front.run("shared := 7")
        reply, msgs = other.run("shared * 6")
        self.assertEqual(reply["content"]["status"], "ok")
        results = [m["content"]["data"]["text/plain"] for m in msgs if m["msg_type"] == "execute_result"]
        self.assertEqual(results, ["42"])
        # The first one hears of it, too, with the other's header as parent.
        self.front.until(lambda m: m["parent_header"].get("session") == other.kc.session.session and m["msg_type"] == "execute_result")

    def test_comms(self):
        comm = {"comm_id": "c-1", "target_name": "nobody", "data": {}}
        msg_id = self.front.ask("comm_open", comm)
        msgs = self.front.idle(msg_id)
        self.assertEqual([m["msg_type"] for m in msgs], ["status", "comm_close", "status"])
        self.assertEqual(msgs[1]["content"]["comm_id"], "c-1")
        msg_id = self.front.ask("comm_info_request", {"target_name": "nobody"})
        self.assertEqual(self.front.reply(msg_id)["content"]["comms"], {})

    def comms(self, target=None):
        content = {"target_name": target} if target else {}
        return self.front.reply(self.front.ask("comm_info_request", content))["content"]["comms"]

    def test_comm_opened_by_the_front_end(self):
        opener, _ = self.front.run(
            """import "spindle/comm"
comm.Register("adder", func(c *comm.Comm, data map[string]any) {
    fmt.Println("opened with", data["k"])
    c.OnMsg(func(data map[string]any) {
        sum := data["a"].(float64) + data["b"].(float64)
        fmt.Println("sum", sum)
        c.Send(map[string]any{"sum": sum})
    })
    c.OnClose(func(map[string]any) { fmt.Println("closed") })
})"""
        )
        self.assertEqual(opener["content"]["status"], "ok", opener["content"])
        cell = opener["parent_header"]["msg_id"]
        self.front.run("1")  # another cell has run since
        self.front.idle(self.front.ask("comm_open", {"comm_id": "a-1", "target_name": "adder", "data": {"k": 7}}))
        self.assertEqual(self.comms("adder"), {"a-1": {"target_name": "adder"}})
        msg_id = self.front.ask("comm_msg", {"comm_id": "a-1", "data": {"a": 20, "b": 22}})
        self.front.idle(msg_id)
        answer = self.front.until(lambda m: m["msg_type"] == "comm_msg" and m["content"]["comm_id"] == "a-1")
        self.assertEqual(answer["content"]["data"], {"sum": 42})
        # While a cell is running, too; the answer comes before that cell ends.
        running = self.kc.execute("time.Sleep(1500 * time.Millisecond)")
        time.sleep(0.3)
        self.front.ask("comm_msg", {"comm_id": "a-1", "data": {"a": 1, "b": 2}})
        self.front.until(lambda m: m["msg_type"] == "comm_msg" and m["content"]["data"] == {"sum": 3})
        self.assertFalse([m for m in self.front.iopub if m["parent_header"].get("msg_id") == running
                          and m["content"].get("execution_state") == "idle"], "only after the cell")
        self.front.reply(running)
        # A handler that panics costs the session nothing, and the comm neither.
        self.front.idle(self.front.ask("comm_msg", {"comm_id": "a-1", "data": {}}))
        self.front.idle(self.front.ask("comm_msg", {"comm_id": "a-1", "data": {"a": 2, "b": 2}}))
        self.front.idle(self.front.ask("comm_close", {"comm_id": "a-1", "data": {}}))
        self.assertEqual(self.comms("adder"), {})
        msgs = self.front.idle(self.front.ask("comm_msg", {"comm_id": "a-1", "data": {"a": 1, "b": 1}}))
        self.assertIn("comm_close", [m["msg_type"] for m in msgs])
        # All that the handlers printed is the registering cell's.
        self.front.until(lambda m: "closed" in m["content"].get("text", ""))
        printed = [m for m in self.front.iopub if m["parent_header"].get("msg_id") == cell]
        self.assertEqual(text(printed), "opened with 7\nsum 42\nsum 3\nsum 4\nclosed\n")
        self.assertIn("interface conversion", text(printed, "stderr"))

    def test_comm_opened_by_a_cell(self):
        reply, msgs = self.front.run(
            """import "spindle/comm"
mine := comm.OpenWithMetadata("page", map[string]any{"x": 1}, map[string]any{"version": "2"})
got := make(chan any, 1)
mine.OnMsg(func(data map[string]any) { got <- data["y"] })
mine.Send(map[string]any{"z": []int{1, 2}})"""
        )
        self.assertEqual(reply["content"]["status"], "ok", reply["content"])
        opened = next(m for m in msgs if m["msg_type"] == "comm_open")
        self.assertEqual(opened["content"]["target_name"], "page")
        self.assertEqual(opened["metadata"], {"version": "2"})
        comm_id = opened["content"]["comm_id"]
        self.assertIn([1, 2], [m["content"]["data"].get("z") for m in msgs if m["msg_type"] == "comm_msg"])
        self.assertIn(comm_id, self.comms("page"))
        # A cell that waits for the page is not taken for a deadlock.
        waits = self.kc.execute("<-got")
        time.sleep(0.8)
        self.front.ask("comm_msg", {"comm_id": comm_id, "data": {"y": "hi"}})
        self.assertEqual(self.front.reply(waits)["content"]["status"], "ok")
        msgs = self.front.idle(waits)
        self.assertEqual(["hi"], [m["content"]["data"]["text/plain"].strip('"') for m in msgs if m["msg_type"] == "execute_result"])
        reply, msgs = self.front.run('mine.Close(nil)\nmine.Send(nil)')
        self.assertIn("comm_close", [m["msg_type"] for m in msgs])
        self.assertIn("the comm is closed", str([m["content"].get("data") for m in msgs]))
        self.assertNotIn(comm_id, self.comms())

    def test_comms_go_with_their_worker(self):
        km, kc = start_new_kernel(kernel_name="spindle", startup_timeout=60)
        self.addCleanup(km.shutdown_kernel)
        self.addCleanup(kc.stop_channels)
        front = Front(kc)
        front.run('import "spindle/comm"\ncomm.Open("page", nil)')
        info = front.reply(front.ask("comm_info_request", {}))["content"]["comms"]
        self.assertEqual(len(info), 1)
        front.run('import "os"\nos.Exit(3)')
        self.assertEqual(front.reply(front.ask("comm_info_request", {}))["content"]["comms"], {})
        msgs = front.idle(front.ask("comm_msg", {"comm_id": next(iter(info)), "data": {}}))
        self.assertIn("comm_close", [m["msg_type"] for m in msgs])

    def test_signatures(self):
        """Bad, missing and repeated signatures, and junk, are dropped; the kernel lives."""
        info = self.km.get_connection_info()
        ctx = zmq.Context.instance()
        raw = ctx.socket(zmq.DEALER)
        self.addCleanup(raw.close, 0)
        raw.connect(f"tcp://{info['ip']}:{info['control_port']}")
        session = self.kc.session
        good = session.serialize(session.msg("kernel_info_request", {}))
        bad = list(good)
        bad[1] = b"0" * 64
        missing = list(good)
        missing[1] = b""
        for frames in ([b""], [b"junk"], bad, missing, good[:3], [b"<IDS|MSG>"] * 9):
            raw.send_multipart(frames)
        self.assertFalse(raw.poll(300), "an answer to a message that is bad")
        raw.send_multipart(good)
        self.assertTrue(raw.poll(TIMEOUT * 1000), "no answer to a message that is good")
        raw.recv_multipart()
        raw.send_multipart(good)
        self.assertFalse(raw.poll(300), "an answer to a message that is repeated")
        self.assertTrue(self.kc.is_alive())

    def test_complete_counts_code_points(self):
        code = 's := "héé日本"; fmt.Prin'
        msg_id = self.kc.complete(code, len(code))
        content = self.front.reply(msg_id)["content"]
        self.assertIn("Println", content["matches"])
        self.assertEqual(content["cursor_end"], len(code))
        self.assertEqual(code[content["cursor_start"] : content["cursor_end"]], "Prin")
        types = content["metadata"]["_jupyter_types_experimental"]
        self.assertEqual({t["text"] for t in types}, set(content["matches"]))

    def test_usage(self):
        content = self.front.reply(self.front.ask("usage_request", {}, "control"), "control")["content"]
        for key in ("hostname", "pid", "cpu_count", "kernel_cpu", "kernel_memory", "host_virtual_memory"):
            self.assertIn(key, content)

    def test_heartbeat_beside_a_cell(self):
        msg_id = self.kc.execute("time.Sleep(1500 * time.Millisecond)")
        info = self.km.get_connection_info()
        req = zmq.Context.instance().socket(zmq.REQ)
        self.addCleanup(req.close, 0)
        req.connect(f"tcp://{info['ip']}:{info['hb_port']}")
        for _ in range(20):
            begun = time.monotonic()
            req.send(b"ping")
            self.assertTrue(req.poll(1000))
            self.assertEqual(req.recv(), b"ping")
            self.assertLess(time.monotonic() - begun, 1)
        self.front.reply(msg_id)


class ShutdownTests(unittest.TestCase):
    def test_shutdown_replies_and_leaves_nothing(self):
        for restart in (False, True):
            for channel in ("control", "shell"):
                with self.subTest(channel=channel, restart=restart):
                    km, kc = start_new_kernel(kernel_name="spindle", startup_timeout=60)
                    front = Front(kc)
                    # A cell that runs, and a child process of it.
                    running = kc.execute('import "os/exec"\nexec.Command("sleep", "77").Run()')
                    time.sleep(0.3)
                    pid = km.provisioner.process.pid
                    tree = descendants(pid)
                    begun = time.monotonic()
                    msg_id = front.ask("shutdown_request", {"restart": restart}, channel)
                    reply = front.reply(msg_id, channel)
                    self.assertEqual(reply["content"], {"status": "ok", "restart": restart})
                    km.provisioner.process.wait(timeout=5)
                    took = time.monotonic() - begun
                    self.assertEqual([p for p in tree if os.path.exists(f"/proc/{p}")], [])
                    self.assertLess(took, 2)
                    kc.stop_channels()
                    km.cleanup_resources()

    def test_restart(self):
        km, kc = start_new_kernel(kernel_name="spindle", startup_timeout=60)
        front = Front(kc)
        front.run("gone := 1")
        km.restart_kernel(now=False)
        kc.wait_for_ready(timeout=TIMEOUT)
        reply, _ = front.run("gone")
        self.assertEqual(reply["content"]["status"], "error")
        kc.stop_channels()
        km.shutdown_kernel(now=True)

    def test_many_clients_soak_briefly(self):
        km, kc = start_new_kernel(kernel_name="spindle", startup_timeout=60)
        fronts = [Front(kc)]
        for _ in range(3):
            fronts.append(Front(connect(km)))
        for n in range(20):
            sent = [(f, f.kc.execute(f"{n} * {i}")) for i, f in enumerate(fronts)]
            for i, (f, msg_id) in enumerate(sent):
                self.assertEqual(f.reply(msg_id)["content"]["status"], "ok")
                msgs = f.idle(msg_id)
                got = [m["content"]["data"]["text/plain"] for m in msgs if m["msg_type"] == "execute_result"]
                self.assertEqual(got, [str(n * i)])
        for f in fronts:
            f.kc.stop_channels()
        km.shutdown_kernel(now=True)


def descendants(pid):
    children = {}
    for p in os.listdir("/proc"):
        if p.isdigit():
            try:
                with open(f"/proc/{p}/stat") as f:
                    children.setdefault(int(f.read().rsplit(")", 1)[1].split()[1]), []).append(int(p))
            except OSError:
                pass
    found, queue = [], [pid]
    while queue:
        for c in children.get(queue.pop(), []):
            found.append(c)
            queue.append(c)
    return found


if __name__ == "__main__":
    unittest.main()
