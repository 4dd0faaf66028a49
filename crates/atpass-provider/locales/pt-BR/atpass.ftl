### Português do Brasil. O sentido dos textos está explicado em en/atpass.ftl. Tratamento: você.

## Every page

on-server = Você está em { $host }
development-server = Servidor de desenvolvimento, somente para este computador
app-on-this-computer = Um aplicativo neste computador
about-app = Sobre
for-developers = Para desenvolvedores
list-separator = {", "}

## Sign in

sign-in-title = Entre
sign-in-for-app = para responder a um aplicativo que pede acesso à sua conta:
sign-in-for-account = para ver quais aplicativos têm acesso à sua conta.
sign-in-identifier = Nome de usuário ou e-mail
sign-in-locked = O aplicativo pediu esta conta. Para usar outra, volte ao aplicativo.
sign-in-password = Senha
sign-in-password-goes-to = Sua senha é enviada somente a { $host }. O aplicativo nunca a vê.
sign-in-remember = Manter-me conectado neste dispositivo
sign-in-submit = Entrar
sign-in-choose = Escolher uma conta já conectada
cancel = Cancelar
sign-in-wrong = O nome de usuário ou e-mail e a senha não combinam. Confira os dois e tente de novo.
sign-in-disabled = Esta conta está desativada. Fale com os responsáveis por este servidor.
sign-in-too-many = Tentativas demais. Tente de novo em cerca de { $minutes ->
        [one] { $minutes } minuto
       *[other] { $minutes } minutos
    }.

## Choose an account

choose-title = Escolha uma conta
choose-for-app = para um aplicativo que pede acesso a ela:
use-another-account = Usar outra conta

## Allow access?

consent-title = Permitir o acesso?
consent-heading = Permitir o acesso a { $handle }?
consent-app = Este aplicativo pede o acesso:
consent-permissions = Com isso, ele poderia:
consent-afterwards = Você pode encerrar o acesso dele a qualquer momento em { $host }/account. Depois, seu navegador irá para { $destination }.
consent-scope = Escopo:
consent-account = Conta:
consent-deny = Negar
consent-authorize = Autorizar

## What an app may do

permission-atproto-title = Saber quem você é
permission-atproto-detail = Ver seu nome de usuário e o identificador permanente da sua conta.
permission-generic-title = Usar sua conta
permission-generic-detail = Ler, criar, alterar e excluir suas publicações, suas curtidas, as contas que você segue e todos os outros registros, enviar arquivos, alterar preferências e agir em seu nome em outros serviços. Não pode alterar sua senha nem seu nome de usuário, nem encerrar a conta.
permission-chat-title = Ler e enviar suas mensagens diretas
permission-chat-detail = Em todas as suas conversas, antigas e novas.
permission-email-title = Ver seu endereço de e-mail
permission-email-detail = E se ele está confirmado.

## Back to the app

form-post-title = De volta ao aplicativo
form-post-text = Seu navegador leva a resposta a { $host }.
form-post-continue = Continuar

## Your account

account-title = Sua conta
account-apps = Aplicativos com acesso
account-no-apps = Nenhum aplicativo tem acesso à sua conta.
account-times = Conectado { $began ->
        [0] nas últimas 24 horas
        [1] há um dia
       *[other] há { $began } dias
    }, usado pela última vez { $used ->
        [0] nas últimas 24 horas
        [1] há um dia
       *[other] há { $used } dias
    }
account-end = Encerrar o acesso
account-end-label = Encerrar o acesso de { $app }, conectado { $began ->
        [0] nas últimas 24 horas
        [1] há um dia
       *[other] há { $began } dias
    }
account-end-all = Encerrar o acesso de todos os { $count } aplicativos
account-browsers = Navegadores
account-sign-out-here = Sair aqui
account-sign-out-others = Sair de todos os outros navegadores
account-sign-out-hint = Os aplicativos continuam conectados quando você sai de um navegador. Encerre o acesso deles acima.

## What went wrong

problem-form-title = Este formulário não pode ser usado
problem-form-foreign = Ele não veio desta página neste navegador, ou os cookies estão desativados. Volte ao aplicativo e comece de novo.
problem-form-undecided = Ele não diz o que você decidiu. Volte e pressione um dos botões.
problem-signed-out-title = Você saiu da conta
problem-signed-out = Esta conta não está mais conectada neste navegador. Entre de novo para continuar.
problem-link-title = Este link está incompleto
problem-link = O aplicativo enviou seu navegador para cá sem o que é necessário para entrar. Volte ao aplicativo e tente de novo.
problem-expired-title = Este acesso expirou
problem-expired = Ele ficou aberto por tempo demais ou já foi concluído. Volte ao aplicativo e comece de novo.
problem-request-title = Este pedido não pode ser usado
problem-request = O aplicativo enviou algo que este servidor não aceita. Volte ao aplicativo e tente de novo.
problem-ours-title = Algo deu errado aqui
problem-ours = A culpa é nossa, não sua. Nada foi alterado. Tente de novo daqui a pouco.
