"""`zherd export`: manifests that are what they were, that Compose and Kubernetes know each key of, and
whose commands form a herd. There is no container here: each one's process runs in a folder and at an
address of loopback of its own, with what the manifest mounts there.

After an intended change:  cd tests/system/export && zherd export compose herd.zpl > compose.yaml
and the same for k8s."""

import os
import pathlib
import random
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

import yaml
from kubernetes import client as kubernetes

from rig import BUILD, ROOT, UCLA, Client, Process, free_ports, wait_for, write_topology

GOLDEN = ROOT / "tests/system/export"
PORTS = ["11500", "12500", "13500", "13501", "9550"]  # clients, bus, gateways, workers, monitor
KEYED = ["Ada-Bob", "Bob-Cid"]


def export(kind, file, cwd=GOLDEN, **options):
    return subprocess.run([BUILD / "zherd", "export", kind, file], cwd=cwd, capture_output=True,
                          timeout=60, **options)


def exported(kind, file, cwd=GOLDEN):
    done = export(kind, file, cwd)
    assert (done.returncode, done.stderr) == (0, b""), done.stderr
    return done.stdout.decode("ascii")


def version():
    return subprocess.run([BUILD / "zherd", "--version"], capture_output=True, text=True,
                          check=True).stdout.split()[1]


# ---- what Compose knows: https://github.com/compose-spec/compose-spec/blob/main/spec.md ----

NAME = re.compile(r"[a-zA-Z0-9._-]+")
TEXTS = [str]
SERVICE = {"image": str, "restart": str, "read_only": bool, "cap_drop": TEXTS,
           "security_opt": TEXTS, "tmpfs": TEXTS, "ports": TEXTS, "volumes": TEXTS,
           "command": TEXTS, "configs": [{"source": str, "target": str}],
           "secrets": [{"source": str, "target": str}],
           "healthcheck": {"test": TEXTS, "interval": str, "timeout": str, "start_period": str}}
COMPOSE = {"name": str, "services": {NAME: SERVICE}, "configs": {NAME: {"content": str}},
           "secrets": {NAME: {"file": str}}, "volumes": {NAME: {}}}


def check_compose(value, rule, where="compose"):
    """What is in the value and not in the rule."""
    if isinstance(rule, type):
        return [] if type(value) is rule else [f"{where}: {value!r}"]
    if isinstance(rule, list):
        if type(value) is not list:
            return [f"{where}: no list"]
        return [fault for each in value for fault in check_compose(each, rule[0], where)]
    if type(value) is not dict:
        return [f"{where}: no mapping"]
    faults = []
    for key, inner in value.items():
        name = next((name for name in rule if name == key or (
            isinstance(name, re.Pattern) and type(key) is str and name.fullmatch(key))), None)
        faults += (check_compose(inner, rule[name], f"{where}.{key}") if name
                   else [f"{where}: unknown key {key!r}"])
    return faults


def interpolated(text):
    """What Compose makes of a text, in an environment without variables."""
    return re.sub(r"\$(?:(\$)|\{\w+:-([^}]*)\})", lambda found: found[1] or found[2], text)


# ---- what Kubernetes knows: the models of its client, which are made from its OpenAPI ----

PLAIN = {"str": str, "int": int, "bool": bool}


def modelled(value, kind, where):
    """The value as the client's model; AssertionError where it has a key that the model has not,
    ValueError where one is missing."""
    if kind.startswith("list["):
        assert type(value) is list, where
        return [modelled(each, kind[5:-1], where) for each in value]
    if kind.startswith("dict"):
        inner = re.split(", *", kind[5:-1])[1]
        return {name: modelled(each, inner, f"{where}.{name}") for name, each in value.items()}
    if kind == "object":
        return value
    if kind in PLAIN:
        assert type(value) is PLAIN[kind], f"{where} is {value!r}"
        return value
    model = getattr(kubernetes, kind)
    ours = {theirs: name for name, theirs in model.attribute_map.items()}
    assert type(value) is dict and set(value) <= set(ours), f"{where}: {set(value) - set(ours)}"
    return model(**{ours[name]: modelled(each, model.openapi_types[ours[name]], f"{where}.{name}")
                    for name, each in value.items()})


def by_kind(documents, kind):
    return {each["metadata"]["name"]: each for each in documents if each["kind"] == kind}


class Manifests(unittest.TestCase):
    maxDiff = None

    def test_they_are_what_they_were(self):
        for kind in ("compose", "k8s"):
            with self.subTest(kind):
                self.assertEqual(exported(kind, "herd.zpl").replace(version(), "0.1.0"),
                                 (GOLDEN / f"{kind}.yaml").read_text())

    def test_compose_knows_each_key_and_each_name(self):
        herd = yaml.safe_load(exported("compose", "herd.zpl"))
        self.assertEqual(check_compose(herd, COMPOSE), [])
        self.assertEqual(list(herd["services"]), ["no", "north-1", "placesd-1", "placesd-2"])
        for name, service in herd["services"].items():
            for what in ("configs", "secrets"):
                for each in service.get(what, []):
                    self.assertIn(each["source"], herd[what])
            for volume in service["volumes"]:
                self.assertIn(volume.partition(":")[0], herd["volumes"])
        self.assertEqual(herd["services"]["no"]["ports"], ["127.0.0.1:11900:11500"])
        self.assertEqual(herd["services"]["north-1"]["ports"], ["11901:11500"])
        self.assertEqual([secret["target"] for secret in herd["services"]["placesd-1"]["secrets"]],
                         ["/run/secrets/zherd/placesd.secret", "/run/secrets/zherd/provider-1.key"])
        self.assertIn(check_compose({**herd, "sevrices": {}}, COMPOSE)[0],
                      "compose: unknown key 'sevrices'")

    def test_the_file_is_the_same_whatever_it_stands_in(self):
        herd = yaml.safe_load(exported("compose", "herd.zpl"))
        compose = interpolated(herd["configs"]["herd"]["content"])
        [config] = by_kind(self.documents(), "ConfigMap").values()
        self.assertEqual([line for line in compose.splitlines() if "_at = " not in line],
                         [line for line in config["data"]["herd.zpl"].splitlines()
                          if "_at = " not in line])
        keys = re.findall("^    public_key = (.*)$", (GOLDEN / "herd.zpl").read_text(), re.MULTILINE)
        self.assertTrue(any("$" in key for key in keys))
        self.assertEqual(re.findall("^    public_key = (.*)$", compose, re.MULTILINE),
                         keys[:2] + keys[3:])
        self.assertNotIn("Ear", compose)

    def documents(self):
        return list(yaml.safe_load_all(exported("k8s", "herd.zpl")))

    def test_kubernetes_knows_each_key(self):
        documents = self.documents()
        for document in documents:
            modelled(document, f"V1{document['kind']}", document["kind"])
        documents[-1]["spec"]["replica"] = 1
        with self.assertRaises(AssertionError):
            modelled(documents[-1], "V1StatefulSet", "StatefulSet")
        del documents[-1]["spec"]["replica"], documents[-1]["spec"]["template"]
        with self.assertRaises(ValueError):
            modelled(documents[-1], "V1StatefulSet", "StatefulSet")

    def test_each_selector_selects_its_pods_and_each_name_is_somebodys(self):
        documents = self.documents()
        services, sets = by_kind(documents, "Service"), by_kind(documents, "StatefulSet")
        self.assertEqual({name: each["spec"]["replicas"] for name, each in sets.items()},
                         {"zherd-coast-1": 2, "zherd-coast-1-placesd-1": 1,
                          "zherd-coast-1-placesd-2": 1})
        self.assertEqual(set(services), set(sets) | {"zherd-coast-1-clients"})
        labels = {}
        for name, each in sets.items():
            spec, template = each["spec"], each["spec"]["template"]
            labels[name] = template["metadata"]["labels"]
            self.assertEqual(spec["selector"]["matchLabels"], labels[name])
            headless = services[spec["serviceName"]]["spec"]
            self.assertEqual(headless["selector"], labels[name])
            self.assertEqual(headless["clusterIP"], "None")
            self.assertIs(headless["publishNotReadyAddresses"], True)
            [container] = template["spec"]["containers"]
            volumes = {volume["name"] for volume in template["spec"]["volumes"]}
            volumes |= {claim["metadata"]["name"] for claim in spec["volumeClaimTemplates"]}
            self.assertEqual({mount["name"] for mount in container["volumeMounts"]}, volumes)
            ports = {port["name"] for port in container["ports"]}
            self.assertLessEqual({port["targetPort"] for port in headless["ports"]}, ports)
            self.assertTrue(set(container["readinessProbe"]) & {"exec", "tcpSocket"})
        self.assertEqual(len({tuple(each.items()) for each in labels.values()}), len(labels))
        door = services["zherd-coast-1-clients"]["spec"]
        self.assertEqual(door["selector"], labels["zherd-coast-1"])
        self.assertNotIn("publishNotReadyAddresses", door)

    def test_each_edition_can_be_exported(self):
        with tempfile.TemporaryDirectory(prefix="zherd-export-") as folder:
            for edition in sorted((ROOT / "topology").glob("*.zpl")):
                text = edition.read_text()
                name = re.search("^    name = (.*)$", text, re.MULTILINE)[0]
                open_herd = pathlib.Path(folder) / edition.name
                open_herd.write_text(text.replace(name, f"{name}\n    insecure = yes", 1))
                for kind in ("compose", "k8s"):
                    with self.subTest(edition.name, kind=kind):
                        manifest = exported(kind, open_herd)
                        self.assertNotIn("secret", manifest)
                        self.assertTrue(list(yaml.safe_load_all(manifest)))

    def test_what_cannot_be_exported_is_said_in_one_line(self):
        herd = str(ROOT / "topology/fall2016.zpl")
        for words, status, said in [
                (("compose", herd), 1, f"{herd}:3: containers reach each other over a network"),
                (("swarm", herd), 2, "write `compose` or `k8s`, not `swarm`"),
                (("k8s", GOLDEN / "nowhere.zpl"), 1, "nowhere.zpl: cannot be opened"),
        ]:
            with self.subTest(words[0]):
                done = export(*words)
                self.assertEqual((done.returncode, done.stdout), (status, b""))
                self.assertIn(said, done.stderr.decode())
        with tempfile.TemporaryDirectory(prefix="zherd-export-") as folder:
            file = pathlib.Path(folder) / "herd.zpl"
            file.write_text((GOLDEN / "herd.zpl").read_text().replace("127.0.0.1:13980",
                                                                      "127.0.0.1:13500"))
            done = export("compose", file)
            self.assertEqual((done.returncode, done.stdout), (1, b""))
            self.assertRegex(done.stderr.decode(), r"^\S+herd.zpl as exported:\d+: port 13500 of `url` "
                             "is taken by `gateways` in line")
        with open("/dev/full", "wb") as full:
            done = subprocess.run([BUILD / "zherd", "export", "k8s", "herd.zpl"], cwd=GOLDEN,
                                  stdout=full, stderr=subprocess.PIPE)
        self.assertEqual((done.returncode, b"No space left" in done.stderr), (1, True))


# ---- the manifests' commands, as processes ----

class Container:
    """A process with what a manifest gives it: files {path: text}, folders, and the words of its
    command and of the probe that says whether it is ready."""

    def __init__(self, hosts, command, probe, files, folders, environment=()):
        self.hosts, self.command, self.probe = hosts, command, probe
        self.files, self.folders, self.environment = files, folders, dict(environment)

    def settle(self, root, addresses, ports):
        """Gives it a folder and its own address, and the names of the others theirs. Ports are
        others, because somebody may listen everywhere."""
        self.address = addresses[self.hosts[0]]
        self.root = root
        mounts = sorted({str(pathlib.Path(path).parent) for path in self.files} | self.folders,
                        key=len, reverse=True)

        def ours(text):
            text = text.replace("/tcp/127.0.0.1/", f"/tcp/{self.address}/")
            for mount in mounts:
                text = text.replace(mount, f"{root}{mount}")
            return re.sub(f"(?<=[:/])({'|'.join(PORTS)})\\b", lambda port: str(ports[port[0]]), text)

        def of_section(section):
            found = re.search(r"(?:bus|gateways)_at = tcp://([^:]+)", section)
            if not found:
                return section
            here = addresses[found[1]]
            section = re.sub(r"tcp://\*", f"tcp://{here}", section)
            section = section.replace("//127.0.0.1", f"//{here}")
            return re.sub("_at = tcp://([^:]+)",
                          lambda at: f"_at = tcp://{addresses[at[1]]}", section)

        for folder in self.folders:
            (root / folder[1:]).mkdir(parents=True, exist_ok=True)
        for path, text in self.files.items():
            file = root / path[1:]
            file.parent.mkdir(parents=True, exist_ok=True)
            if path.endswith(".zpl"):
                text = ours("".join(map(of_section, re.split(r"(?m)^(?=[a-z])", text))))
            file.write_text(text)
            file.chmod(0o600)
        self.command, self.probe = [[ours(word) for word in words]
                                    for words in (self.command, self.probe)]

    def start(self):
        path = f"{BUILD}:{os.environ['PATH']}"
        self.process = Process(self.root, "process", *self.command,
                               environment={**self.environment, "PATH": path})

    def is_ready(self):
        return subprocess.run(self.probe, timeout=10, stderr=subprocess.DEVNULL).returncode == 0


def containers_of_compose(text, secrets):
    herd = yaml.safe_load(text)
    for name, service in herd["services"].items():
        files = {each["target"]: interpolated(herd["configs"][each["source"]]["content"])
                 for each in service["configs"]}
        for each in service["secrets"]:
            files[each["target"]] = pathlib.Path(herd["secrets"][each["source"]]["file"]).read_text()
        folders = {volume.split(":")[1] for volume in service["volumes"]}
        folders |= {mount.partition(":")[0] for mount in service["tmpfs"]} - {"/tmp"}
        probe = [interpolated(word) for word in service["healthcheck"]["test"]]
        assert probe.pop(0) == "CMD"
        yield Container([name], list(map(interpolated, service["command"])), probe, files, folders)


def containers_of_kubernetes(text, secrets):
    """The Secret is made by the command that the manifest says."""
    for document in yaml.safe_load_all(text):
        modelled(document, f"V1{document['kind']}", document["kind"])
    [command] = re.findall("^# kubectl create secret generic (.*)$", text, re.MULTILINE)
    secret_name, *names = shlex.split(command)
    pairs = [name.removeprefix("--from-file=").partition("=")[::2] for name in names]
    data = {key: (secrets / (path or key)).read_text() for key, path in pairs}
    documents = list(yaml.safe_load_all(text))
    maps = by_kind(documents, "ConfigMap")
    for name, each in by_kind(documents, "StatefulSet").items():
        spec = each["spec"]["template"]["spec"]
        [container] = spec["containers"]
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        for number in range(each["spec"]["replicas"]):
            pod, files, folders = f"{name}-{number}", {}, set()
            for mount in container["volumeMounts"]:
                at, volume = mount["mountPath"], volumes.get(mount["name"], {})
                if "configMap" in volume:
                    for key, content in maps[volume["configMap"]["name"]]["data"].items():
                        files[f"{at}/{key}"] = content
                elif "secret" in volume:
                    assert volume["secret"]["secretName"] == secret_name
                    assert mount.get("subPathExpr", "$(POD_NAME)") == "$(POD_NAME)"
                    inside = f"{pod}/" if "subPathExpr" in mount else ""
                    for item in volume["secret"]["items"]:
                        if item["path"].startswith(inside):
                            files[f"{at}/{item['path'][len(inside):]}"] = data[item["key"]]
                elif at != "/tmp":
                    folders.add(at)
            host = f"{pod}.{each['spec']['serviceName']}"
            if "exec" in container["readinessProbe"]:
                probe = container["readinessProbe"]["exec"]["command"]
            else:
                how = container["readinessProbe"].get("httpGet")
                wanted = (how or container["readinessProbe"]["tcpSocket"])["port"]
                [port] = [port["containerPort"] for port in container["ports"]
                          if port["name"] == wanted]
                asks = ("; printf 'GET %s HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n' " + how["path"]
                        + " >&3; read -r _ status _ <&3; [ \"$status\" = 200 ]") if how else ""
                probe = ["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}{asks}"]
            yield Container([host, name], container["command"], probe, files, folders,
                            {"POD_NAME": pod})


class Run(unittest.TestCase):
    def ask(self, node, command):
        with Client(self.ports["11500"], node.address) as client:
            return client.ask(command)

    def run_herd(self, kind, containers_of, watched=False):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="zherd-export-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        file, _ = write_topology(folder, KEYED)
        if watched:
            token = folder / "a token"
            token.write_text("0123456789abcdef\n")
            token.chmod(0o600)
            numbers = iter(range(30001, 30100))
            file.write_text(re.sub(r"(?m)^(    (?:bus|workers) = .*\n)", lambda line: line[1] + (
                f"    monitor = tcp://127.0.0.1:{next(numbers)}\n"
                f"    monitor_token_file = {token}\n"), file.read_text()))
        subprocess.run([BUILD / "zherd", "keygen", file], check=True, stdout=subprocess.DEVNULL)
        containers = list(containers_of(exported(kind, file), folder / "herd.keys"))
        self.assertEqual(len(containers), 4)
        self.ports = dict(zip(PORTS, free_ports(len(PORTS))))
        net, addresses = f"127.{random.randint(1, 254)}.{random.randint(0, 255)}", {}
        for number, container in enumerate(containers):
            for host in container.hosts:
                addresses.setdefault(host, f"{net}.{number + 1}")
        for number, container in enumerate(containers):
            container.settle(folder / str(number), addresses, self.ports)
            secrets = list((container.root / "run/secrets/zherd").iterdir())
            self.assertEqual(len(secrets), 1 + watched, secrets)
        self.assertFalse(any(container.is_ready() for container in containers))
        for container in containers:
            container.start()
            self.addCleanup(container.process.end)
        for container in containers:
            wait_for(f"{container.hosts} is ready", container.is_ready)
            container.process.says("^ready")
        *nodes, _ = containers
        nodes[1].process.says("^link Ada up")
        nodes[1].process.says("^link Cid up")
        at = self.ask(nodes[0], f"IAMAT kiwi {UCLA} 1621464827.959498503")
        self.assertRegex(at, "^AT Ada ")
        wait_for("Cid to know", lambda: self.ask(nodes[2], "WHATSAT kiwi 10 0") == at)
        with Client(self.ports["11500"], nodes[2].address) as client:
            self.assertEqual(client.near("kiwi", 10, 2)[1]["status"], "OK")
        for container in containers:
            self.assertEqual(container.process.stop()[0], 0)
        self.assertRegex(nodes[0].process.err.read_text(), r"connect")
        return containers

    def test_compose(self):
        self.run_herd("compose", containers_of_compose)

    def test_kubernetes(self):
        self.run_herd("k8s", containers_of_kubernetes)

    def test_kubernetes_where_each_is_watched(self):
        """The probes are those of the monitors."""
        containers = self.run_herd("k8s", containers_of_kubernetes, watched=True)
        self.assertTrue(all("/readyz" in container.probe[2] for container in containers))


if __name__ == "__main__":
    unittest.main(verbosity=2)
